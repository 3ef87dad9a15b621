/** For example `1 job` or `2 jobs`. */
export function pluralize(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
