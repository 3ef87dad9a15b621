// The page: its frame, and the screen that the address names.
import { signal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { isSignedOut } from "./api.ts";
import { isConnected, startListening } from "./live.ts";
import { recall, remember } from "./memory.ts";
import { place } from "./place.ts";
import { canEnqueue, status } from "./status.ts";
import { openDialog, Overlays } from "./parts/dialog.tsx";
import { ChangesUnderWay } from "./parts/many.tsx";
import { Help, startKeys } from "./parts/keys.tsx";
import { Dead } from "./screens/dead.tsx";
import { Enqueue } from "./screens/enqueue.tsx";
import { JobScreen } from "./screens/job.tsx";
import { Jobs } from "./screens/jobs.tsx";
import { Overview } from "./screens/overview.tsx";
import { Queues } from "./screens/queues.tsx";
import { Schedules, ScheduleScreen } from "./screens/schedules.tsx";
import { Settings } from "./screens/settings.tsx";
import { SignIn } from "./screens/sign_in.tsx";

const THEMES = ["auto", "light", "dark"] as const;
const theme = signal(THEMES.find((one) => one === recall("theme")) ?? "auto");

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  remember("theme", theme.value);
  document.documentElement.dataset.theme = theme.value;
}

const NAV = [
  ["#/", "Overview", ["overview"]],
  ["#/jobs", "Jobs", ["jobs", "job"]],
  ["#/queues", "Queues", ["queues"]],
  ["#/schedules", "Schedules", ["schedules", "schedule"]],
  ["#/dead", "Dead", ["dead"]],
  ["#/settings", "Settings", ["settings"]],
] as const;

function Frame() {
  const { screen } = place.value;
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen not all of it is seen.
  useEffect(() => {
    const here = nav.current?.querySelector("[aria-current]");
    here?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [screen]);
  if (isSignedOut.value) return <SignIn />;
  const at = status.value;
  const dead = at?.jobs.dead ?? 0;
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        To the content
      </a>
      <header class="top">
        <a class="brand" href="#/">queuectl</a>
        <nav ref={nav} aria-label="Screens">
          {NAV.map(([href, name, screens]) => (
            <a
              key={href}
              href={href}
              aria-current={(screens as readonly string[]).includes(screen) ? "page" : undefined}
            >
              {name}
              {name === "Dead" && dead > 0 && <b class="badge">{dead > 999 ? "999+" : dead}</b>}
            </a>
          ))}
          {canEnqueue.value && (
            <a href="#/enqueue" aria-current={screen === "enqueue" ? "page" : undefined}>Enqueue</a>
          )}
        </nav>
        <span class="room" />
        <ChangesUnderWay />
        <span class="where" title={at?.store}>
          <bdi>{at?.store}</bdi>
        </span>
        {at?.read_only && <span class="tag" title="serve --read-only">read-only</span>}
        <span
          class={isConnected.value === false ? "connection lost" : "connection"}
          role="status"
          title={isConnected.value === false
            ? "No connection. Trying again."
            : "Changes are shown immediately"}
        >
          {isConnected.value === undefined ? "…" : isConnected.value ? "live" : "offline"}
        </span>
        <button type="button" class="plain" onClick={nextTheme} title="Light or dark">
          {theme.value}
        </button>
        <button
          type="button"
          class="plain keys-button"
          onClick={() => openDialog(<Help />)}
          title="Keyboard shortcuts"
          aria-label="Keyboard shortcuts"
        >
          ?
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        <Screen />
      </main>
      <Overlays />
    </>
  );
}

function Screen() {
  const at = place.value;
  switch (at.screen) {
    case "overview":
      return <Overview period={at.period} />;
    case "jobs":
      return <Jobs {...at} />;
    case "job":
      return <JobScreen key={at.id} id={at.id} attempt={at.attempt} />;
    case "queues":
      return <Queues />;
    case "schedules":
      return <Schedules />;
    case "schedule":
      return <ScheduleScreen key={at.name} name={at.name} />;
    case "dead":
      return <Dead />;
    case "settings":
      return <Settings />;
    case "enqueue":
      return <Enqueue key={at.from ?? ""} from={at.from} />;
  }
}

document.documentElement.dataset.theme = theme.value;
startListening();
startKeys();
render(<Frame />, document.body);
