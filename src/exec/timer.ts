// The functions for waiting that executors use.
export { afterMilliseconds, pause } from "../system/delay.ts";
