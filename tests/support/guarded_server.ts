// A server that lives as long as a file of tests, with a guard that ends it.

/** Ends with the process that started it, whatever that one dies of: then its input ends. */
const GUARD = (start: string, signals: { readonly stop: string; readonly crash: string }) => `
# Ctrl-C at a terminal reaches this, too: it goes on until its input ends, and clears away.
trap '' INT TERM HUP
dir=$1; shift
end() { [ -z "$server" ] || { kill "-$1" "$server"; wait "$server"; server=; }; }
${start}
start "$@"
echo started
while read -r word; do
  case $word in
    start) start "$@" ;;
    stop) end ${signals.stop} ;;
    crash) end ${signals.crash} ;;
  esac
  echo "$word"
done
end ${signals.crash}
rm -rf "$dir"
`;

export interface GuardedOptions {
  /** Its folder, where it writes `log`. It goes with the server. */
  readonly dir: string;
  /**
   * Shell that defines `start`, which begins the server and sets `$server` to its process id; what it
   * is called with are `args`. `$dir` is the folder.
   */
  readonly start: string;
  readonly args: readonly string[];
  readonly signals: { readonly stop: Deno.Signal; readonly crash: Deno.Signal };
  /** As whom it runs, if not as this process. */
  readonly as?: { readonly uid: number; readonly gid: number };
  /** Returns when it can be asked. */
  readonly isUp: () => Promise<void>;
}

/** Starts it. @returns tells it what to do, and returns when that is done */
export async function startGuarded(
  { dir, start, args, signals, as, isUp }: GuardedOptions,
): Promise<(word: "start" | "stop" | "crash") => Promise<void>> {
  const short = (signal: Deno.Signal) => signal.slice("SIG".length);
  const script = GUARD(start, { stop: short(signals.stop), crash: short(signals.crash) });
  const guard = new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", dir, ...args],
    ...as,
    stdin: "piped",
    stdout: "piped",
    stderr: "null", // the shell tells of what it kills
    cwd: "/",
  }).spawn();
  const input = guard.stdin.getWriter();
  const answers = guard.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const answer = async () => {
    guard.ref();
    const { done } = await answers.read();
    guard.unref();
    if (done) throw new Error(`No server: ${Deno.readTextFileSync(`${dir}/log`)}`);
  };
  await answer();
  await isUp();
  return async (word) => {
    await input.write(new TextEncoder().encode(`${word}\n`));
    await answer();
    if (word === "start") await isUp();
  };
}
