// What a list of jobs can be asked for, as parameters.

export const FILTERS = [
  { name: "state", about: "Only these, separated by commas" },
  { name: "queue", about: "Only of this queue" },
  { name: "group", about: "Only of this group" },
  { name: "command", about: "Only whose command fits this GLOB" },
  { name: "exit_code", about: "Only whose last attempt ended with this exit code; none: without" },
  { name: "since", about: "Only enqueued since: a DURATION such as 1h, or a time" },
] as const satisfies readonly { readonly name: string; readonly about: string }[];
