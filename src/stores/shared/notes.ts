// What a check of a store on a server notes.
import { isUnavailable, messageOf } from "../../queue/errors.ts";
import type { Finding } from "../../queue/maintenance.ts";

/** Takes a finding: where, what is wrong, and what was done about it. */
export type Note = (path: string, problem: string, repaired?: string | null) => void;

/** @param findings where they are put */
export function notesTo(findings: Finding[]): Note {
  return (path, problem, repaired = null) => void findings.push({ path, problem, repaired });
}

/** Looks at something, and notes that it can't be read. @throws QueueError `unavailable` */
export async function noteErrors(
  path: string,
  note: Note,
  look: () => void | Promise<void>,
): Promise<void> {
  try {
    await look();
  } catch (error) {
    if (isUnavailable(error)) throw error;
    note(path, `can't be read: ${messageOf(error)}`);
  }
}
