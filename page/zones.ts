// Times in the zone of a schedule.

const formats = new Map<string, Intl.DateTimeFormat>();

/** `2030-01-31 18:00:05`, in a zone; empty where the browser does not know it. */
export function zonedTime(time: string, tz: string): string {
  let format = formats.get(tz);
  if (format === undefined) {
    try {
      format = new Intl.DateTimeFormat("sv-SE", {
        timeZone: tz,
        dateStyle: "short",
        timeStyle: "medium",
      });
    } catch {
      return "";
    }
    formats.set(tz, format);
  }
  return format.format(Date.parse(time));
}
