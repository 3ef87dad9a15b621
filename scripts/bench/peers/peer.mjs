// What the peers have in common. Each is a program for node: FOLDER URL fill|work|left [COUNT].
// FOLDER has the libraries in its node_modules: this project does not depend on them. `fill` adds
// jobs, `work` does one job at a time until there are no more, and takes and ends COUNT jobs in one
// step, `left` says how many are not done.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import process from "node:process";

const [, , folder, url, verb, count] = process.argv;

/** The URL of the server. */
export { url };
/** How many jobs are to be added, or taken in one step. */
export const jobs = Number(count);
/** What a library exports. */
export const library = createRequire(`${folder}/`);

/** Runs a command in a shell, as queuectl does. @returns what it printed; rejects if it fails */
export function run(command) {
  return new Promise((resolve, reject) => {
    const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const add = (text) => output += text;
    child.stdout.setEncoding("utf8").on("data", add);
    child.stderr.setEncoding("utf8").on("data", add);
    child.on("error", reject);
    child.on("close", (code) => code === 0 ? resolve(output) : reject(new Error(`exit ${code}`)));
  });
}

/** Does what was asked for, prints what it returns, and ends, whatever is still open. */
export async function main(verbs) {
  const result = await verbs[verb]();
  if (result !== undefined) process.stdout.write(`${result}\n`);
  process.exit(0);
}
