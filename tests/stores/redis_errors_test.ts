// What servers of several versions say when something goes wrong, and what users are told of it.
import { assertEquals } from "@std/assert";
import type { QueueError } from "../../src/queue/errors.ts";
import { ErrorReply } from "../../src/stores/redis/driver.ts";
import { inWords, isAway } from "../../src/stores/redis/errors.ts";

/** As Redis 6.2.16 says it of a command in a script; from 7.0 on the error comes first. */
const ofScript = (message: string) =>
  `ERR Error running script (call to f_63513ef721c1dcd34dc697552e11c6fa5356c64c): ${message}`;

Deno.test("ErrorReply knows what Redis 6.2 says of a command in a script", () => {
  const words: [message: string, word: string][] = [
    [
      "@user_script:131: @user_script: 131: -READONLY You can't write against a read only replica.",
      "READONLY",
    ],
    [
      "@user_script:1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
      "OOM",
    ],
    [
      "@user_script:1: @user_script: 1: -NOREPLICAS Not enough good replicas to write.",
      "NOREPLICAS",
    ],
    [
      "@user_script:1: WRONGTYPE Operation against a key holding the wrong kind of value",
      "WRONGTYPE",
    ],
  ];
  for (const [message, word] of words) assertEquals(new ErrorReply(ofScript(message)).word, word);
  assertEquals(new ErrorReply("OOM command not allowed").word, "OOM");
});

Deno.test("inWords() knows what servers say to those whom they do not let in", () => {
  const said = (message: string) => {
    const error = new ErrorReply(message);
    const { code, message: words } = inWords("the server", error) as QueueError;
    return [isAway(error), code, words];
  };
  assertEquals(said("ERR max number of clients reached"), [
    true,
    "unavailable",
    "Cannot reach the server: it has as many clients as it takes",
  ]);
  assertEquals(said("DENIED Redis is running in protected mode because …"), [
    false,
    "refused",
    "Cannot use the server: it takes no connections of other machines",
  ]);
});

Deno.test("inWords() says the same of all versions", () => {
  const said = (message: string) => {
    const error = inWords("the server", new ErrorReply(message)) as QueueError;
    return [error.code, error.message.replace(/ \(.*/, "")];
  };
  const readOnly = ofScript("@user_script:9: @user_script: 9: -READONLY You can't write");
  assertEquals(isAway(new ErrorReply(readOnly)), true);
  const replica = "Cannot reach the server: it takes no changes: it is a replica";
  assertEquals(said(readOnly), ["unavailable", replica]);
  const may = "The user executing the script can't run this command or subcommand";
  const newer =
    "ERR ACL failure in script: User limited has no permissions to run the 'hset' command";
  const old = ofScript(`@user_script:1: @user_script: 1: ${may}`);
  for (const message of [old, `ERR ${may}`, newer]) {
    assertEquals(said(message), ["refused", "Cannot use the server: this user may not do that"]);
  }
});

Deno.test("inWords() knows all that the system says of a host that can't be reached", () => {
  for (const code of ["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN"]) {
    // As Deno makes it: of most of these it has no class.
    const error = Object.assign(new Error("No route to host (os error 113)"), { code });
    const words = inWords("the server", error) as QueueError;
    assertEquals([isAway(error), words.code, words.message], [
      true,
      "unavailable",
      "Cannot reach the server: there is no way to its host",
    ]);
  }
});
