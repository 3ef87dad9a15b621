// deno-lint-ignore-file
export const check: any = () => {};
