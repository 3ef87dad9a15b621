// The configuration of a queue on a server: what of it is other than in a folder.
import { DEFAULT_SETTINGS, type Settings } from "../../queue/settings.ts";

/** Where output is kept on the server, a job that prints without end must not fill it. */
export const SERVER_DEFAULTS: Settings = { ...DEFAULT_SETTINGS, log_max: 10 * 1024 ** 2 };
