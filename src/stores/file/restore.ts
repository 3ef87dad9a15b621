// deno-lint-ignore-file
export const restore: any = () => {};
