// Waiting, as the executors know it.
export { afterMilliseconds, pause } from "../system/delay.ts";
