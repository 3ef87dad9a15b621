// deno-lint-ignore-file
export const backup: any = () => {};
