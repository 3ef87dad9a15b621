// What the kernel says of a process while it lives. Linux only.

/** Clock ticks a second in /proc/PID/stat: 100 on every Linux that Deno runs on. */
const TICKS = 100;

export interface Memory {
  /** MB (2^20 bytes) that it has now, and the most it ever had. */
  readonly now: number;
  readonly peak: number;
}

/** The resident memory of a process, pages shared with others included; undefined if it is gone. */
export function memoryOf(pid: number): Memory | undefined {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/status`);
    const megabytes = (field: string) =>
      Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) / 1024;
    const memory = { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
    return Number.isNaN(memory.peak) ? undefined : memory;
  } catch {
    return undefined;
  }
}

/**
 * Seconds of CPU that a process has used, with those of its children that it has waited for; 0 if
 * it is gone.
 */
export function cpuOf(pid: number): number {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name of the program in field 2 may hold blanks, so count from its end.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(11, 15).map(Number);
    return ticks.reduce((sum, part) => sum + part, 0) / TICKS;
  } catch {
    return 0;
  }
}

/** The process id of a process's parent; NaN if it is gone. */
export function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]);
  } catch {
    return NaN;
  }
}

/** As `cpuOf`, with all its children: those of a server are its connections. */
export function familyCpu(parent: number): number {
  let sum = cpuOf(parent);
  for (const { name } of Deno.readDirSync("/proc")) {
    if (/^\d+$/.test(name) && parentOf(Number(name)) === parent) sum += cpuOf(Number(name));
  }
  return sum;
}

/**
 * Seconds of CPU that the children of a shell have used, from what its `times` prints: the last
 * line, user and system.
 */
export function childSeconds(times: string): number {
  const parts = [...times.trim().split("\n").at(-1)!.matchAll(/(\d+)m([\d.]+)s/g)];
  if (parts.length !== 2) throw new Error(`Not what \`times\` prints: ${JSON.stringify(times)}`);
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  );
}
