// The JSON document of a schedule.
import { isoTime } from "../queue/job_json.ts";
import { scheduleStateToJson, scheduleToJson } from "../queue/schedule_json.ts";
import type { ScheduleView } from "../queue/schedule_view.ts";
import { hidden } from "./json.ts";

/** A schedule as `schedule list --json` and `schedule show --json` have it. */
export function scheduleJson({ schedule, state, nextAt }: ScheduleView, withEnv: boolean) {
  const { job, ...asked } = scheduleToJson(schedule);
  const { since: _, ...become } = scheduleStateToJson(state);
  const env = schedule.job.env ?? {};
  return {
    ...asked,
    next_at: typeof nextAt === "number" ? isoTime(nextAt) : null,
    ...become,
    job: { ...job, env: withEnv ? env : hidden(env) },
  };
}
