// The table of routes.
import { BULK_ROUTES } from "./bulk_routes.ts";
import { CHANGE_ROUTES } from "./change_routes.ts";
import { JOB_ROUTES } from "./job_routes.ts";
import { LOG_ROUTES } from "./log_routes.ts";
import { OWN_ROUTES } from "./own_routes.ts";
import { QUEUE_ROUTES } from "./queue_routes.ts";
import type { Route } from "./route.ts";
import { SCHEDULE_ROUTES } from "./schedule_routes.ts";
import { STATUS_ROUTES } from "./status_routes.ts";

export const ROUTES: readonly Route[] = [
  ...STATUS_ROUTES,
  ...JOB_ROUTES,
  ...LOG_ROUTES,
  ...BULK_ROUTES,
  ...CHANGE_ROUTES,
  ...QUEUE_ROUTES,
  ...SCHEDULE_ROUTES,
  ...OWN_ROUTES,
];
