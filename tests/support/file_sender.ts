// A sender of the output of one attempt.
import {
  FileSender,
  type OutputTable,
  type SenderOptions,
} from "../../src/stores/shared/file_sender.ts";
import { diskFiles } from "../../src/system/file_system.ts";

/** Of the first attempt of a job "a", which prints to that file. */
export function senderOf(
  path: string,
  outputs: OutputTable,
  more: Partial<SenderOptions> = {},
): FileSender {
  const attempt = { id: "a", attempt: 1, limit: 0, isNew: false };
  return new FileSender({ ...attempt, outputs, files: diskFiles, path, ...more });
}
