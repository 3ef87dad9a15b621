// The version, as deno.json has it too (a test compares them: reading that file would cost each start).
export const VERSION = "0.1.0";
