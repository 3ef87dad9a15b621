// The charts of the overview, as SVG. Each also says in words what it shows.
import { useSignal } from "@preact/signals";
import { durationText } from "../../src/view/times.ts";
import type { Activity } from "../api.ts";
import { type Histogram, quantile, roundTop, stackedBars, usedPart } from "../chart.ts";
import { countText, number } from "./words.tsx";

const WIDTH = 600;
const HEIGHT = 90;
const SERIES = ["completed", "cancelled", "dead"] as const;

/** Ended jobs over time, as stacked bars. */
export function EndedChart({ activity }: { activity: Activity }) {
  const at = useSignal<number | undefined>(undefined);
  const series = SERIES.map((name) => activity[name]);
  const totals = activity.completed.map((_, i) => series.reduce((sum, one) => sum + one[i]!, 0));
  const top = roundTop(Math.max(0, ...totals));
  const bars = stackedBars(series, { width: WIDTH, height: HEIGHT, top });
  const sums = series.map((values) => values.reduce((sum, value) => sum + value, 0));
  const words = SERIES.map((name, i) => `${number(sums[i]!)} ${name}`).join(", ");
  const shown = at.value;
  const begin = Date.parse(activity.from);
  const count = totals.length;
  return (
    <figure class="chart">
      <figcaption>
        <b>Jobs</b>
        {shown === undefined || totals[shown] === undefined ? words : (
          <>
            {clock(begin + shown * activity.step * 1000)}{" "}
            {SERIES.map((name) => `${number(activity[name][shown]!)} ${name}`).join(", ")}
          </>
        )}
      </figcaption>
      <div class="plot">
        <span class="top">{number(top)}</span>
        <svg
          role="img"
          aria-label={words}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          onPointerMove={({ currentTarget, clientX }) => {
            const { left, width } = currentTarget.getBoundingClientRect();
            at.value = Math.min(count - 1, Math.floor((clientX - left) / width * count));
          }}
          onPointerLeave={() => at.value = undefined}
        >
          <path
            class="grid"
            d={`M0 0.5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}`}
          />
          {bars.map((ones, i) =>
            ones.map(({ x, y, width, height }, j) =>
              height > 0 &&
              <rect key={`${i} ${j}`} class={SERIES[i]!} {...{ x, y, width, height }} />
            )
          )}
          {shown !== undefined && (
            <rect
              class="cursor"
              x={shown * WIDTH / count}
              y={0}
              width={WIDTH / count}
              height={HEIGHT}
            />
          )}
        </svg>
      </div>
      <p class="axis">
        <span>{clock(begin)}</span>
        <span>{clock(begin + count / 2 * activity.step * 1000)}</span>
        <span>now</span>
      </p>
    </figure>
  );
}

function clock(time: number): string {
  const date = new Date(time);
  return `${String(date.getHours()).padStart(2, "0")}:${
    String(date.getMinutes()).padStart(2, "0")
  }`;
}

/** A histogram of durations, over all time. */
export function TimesChart({ title, histogram }: { title: string; histogram: Histogram }) {
  const { from, to } = usedPart(histogram);
  const counts = histogram.counts.slice(from, to);
  const total = histogram.counts.reduce((sum, count) => sum + count, 0);
  const top = Math.max(1, ...counts);
  const [bars = []] = stackedBars([counts], { width: WIDTH / 2, height: HEIGHT, top, gap: 2 });
  const bound = (i: number) => {
    const le = histogram.le[i];
    return le === undefined ? "more" : durationText(le);
  };
  const share = (part: number) => {
    const seconds = quantile(histogram, part);
    return seconds === undefined
      ? "–"
      : seconds === Infinity
      ? `over ${durationText(histogram.le.at(-1) ?? 0)}`
      : durationText(seconds);
  };
  const words = total === 0 ? "none yet" : `50 % within ${share(0.5)}, 95 % within ${share(0.95)}`;
  return (
    <figure class="chart times">
      <figcaption>
        <b>{title}</b> {words}
      </figcaption>
      {total > 0 && (
        <>
          <svg
            role="img"
            aria-label={`${title}: ${words}`}
            viewBox={`0 0 ${WIDTH / 2} ${HEIGHT}`}
            preserveAspectRatio="none"
          >
            <path class="grid" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
            {bars.map(({ x, y, width, height }, i) => (
              <g key={i}>
                <title>{`up to ${bound(from + i)}: ${countText(counts[i]!, "attempt")}`}</title>
                <rect class="catch" x={x} y={0} width={width} height={HEIGHT} />
                {height > 0 && <rect class="bar" x={x} y={y} width={width} height={height} />}
              </g>
            ))}
          </svg>
          <p class="axis">
            <span>{from === 0 ? "0" : bound(from - 1)}</span>
            <span>{bound(to - 1)}</span>
          </p>
        </>
      )}
    </figure>
  );
}
