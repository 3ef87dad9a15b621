// The scripts for the resident shell: definitions once, then a line for each job. Pure. They work
// in bash, dash and busybox. They set no variables but those of the job and use positional
// parameters instead, since the worker's environment may export a variable of the same name.

import { cappedNote } from "../system/capped_note.ts";
import { shellWord } from "../system/shell_word.ts";
import { type InPlace, IS_PROGRAM } from "./plain_command.ts";
import { aliveOf, pipeOf, type ProcessIdentity, type RunKey } from "./journal.ts";
import type { Run } from "./run.ts";

/**
 * How the shell gives each job a process group of its own: `bash` by `set -m`, without another
 * program; any other shell by starting the job through `setsid`.
 */
export type ShellKind = "bash" | "sh";

/** What a shell reports about itself when it has started. */
export interface Greeting {
  readonly identity: ProcessIdentity;
  readonly umask: string;
  /** The path of `setsid`; empty if there is none. */
  readonly setsid: string;
}

/** The environment variable by which the processes of a run are found. */
export const MARK = "QUEUECTL_RUN_ID";

/**
 * The value of that variable, unique among all runs of all workers of a machine, also if ids are
 * used again. Because of the dot at the end, no value is the beginning of another.
 */
export function markOf(run: RunKey, shell: ProcessIdentity): string {
  return `${runText(run)}${shell.pid}.${shell.start}.`;
}

/** The part of the value that names the run; the rest names the shell that runs it. */
export function runText({ id, attempt, startedAt }: RunKey): string {
  return `${id}.${attempt}.${startedAt}.`;
}

// A job that signals its parent must not end the shell. These signals are ignored, not trapped: a
// trap interrupts `wait`, and then bash sometimes forgets how the job ended. Also, bash reports
// every death by a signal that it ignores itself.
const SIGNALS = "HUP INT QUIT PIPE ALRM TERM USR1 USR2";

/**
 * The first script. The shell opens the journal, which is its stdout from then on, and keeps the
 * pipe for its answers as fd 3. It ignores the signals of jobs, and identifies itself: it writes
 * `shell PID BOOT START NAMESPACE HOST` to the journal, and answers the same with umask and the path
 * of setsid. It keeps a named pipe open, by which others can tell that it lives.
 */
export function greetingScript(journal: string): string {
  const alive = shellWord(aliveOf(journal));
  // The start time is field 22. The program name in field 2 may contain blanks, so fields are
  // counted from its end.
  return `exec 3>&1;exec >>${shellWord(journal)}||exit 1;trap '' ${SIGNALS};set -- - -;` +
    `if read -r queuectl_line </proc/$$/stat;then set -- \${queuectl_line##*) };set -- "\${20}" -;` +
    `read -r queuectl_line </proc/sys/kernel/random/boot_id&&set -- "$1" "$queuectl_line";` +
    `else set -- $(LC_ALL=C ps -o lstart= -p $$);set -- "$1_$2_$3_$4_$5" -;fi 2>/dev/null;` +
    `unset queuectl_line;` +
    `{ set -- "$1" "$2" "$(readlink /proc/$$/ns/pid)" "$(uname -n)";` +
    `mkfifo ${alive}&&exec 4<>${alive};} 2>/dev/null;` +
    `set -- "shell $$ $2 $1 \${3:--} \${4:--}";` +
    `echo "$1"||exit 1;echo "$1 $(umask) $(command -v setsid)" >&3\n`;
}

/** The shell's answer to the greeting. */
export function parseGreeting(answer: string): Greeting {
  const [, pid, boot = "-", start = "-", namespace = "-", host = "-", umask = "0022", ...setsid] =
    answer.split(" ");
  const identity = { pid: Number(pid), boot, start, namespace, host };
  return { identity, umask, setsid: setsid.join(" ") };
}

/** Variables that all jobs of a worker get, unless a job's own environment sets them. */
export type Variables = Readonly<Record<string, string>>;

/**
 * Defines the functions that the lines for jobs call. A shell reads its input byte by byte, since
 * the programs that it starts may want the rest of it. Bash can be told to read so many characters
 * at once, which saves two hundred system calls for each job.
 */
export function functionsScript(
  kind: ShellKind,
  greeting: Greeting,
  journal: string,
  variables: Variables = {},
  deadline?: string,
): string {
  const detach = kind === "bash" ? "" : `${shellWord(greeting.setsid)} `;
  const steps = jobSteps(kind, greeting, detach, deadline);
  return [
    // Bash increases SHLVL; a job shall see the value that the worker sees.
    kind === "bash"
      ? 'set -m;if [ "$SHLVL" -gt 1 ];then export SHLVL=$((SHLVL-1));else unset SHLVL;fi'
      : "",
    OPEN_FILES,
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`),
    cap(pipeOf(journal), detach),
    mayBegin(deadline),
    kind === "bash" ? `${AWAIT}\n${ENDED}\nunset OLDPWD;${loop(steps)}` : "",
    kind === "bash" ? "" : `job() { ${steps};}`,
  ].filter((line) => line !== "").join("\n") + "\n";
}

/**
 * The loop in which bash reads requests: the words of a job as its parameters, or else a question.
 * Not a function, since bash copies that at each call. `TMOUT` would end the loop. Bash before 4.1,
 * such as that of macOS, can read so many characters only one by one.
 */
function loop(steps: string): string {
  const read = "${TMOUT+TMOUT= }$1";
  return `set -- 'read -r -N';case $BASH_VERSION in [123].*|4.0.*)set -- "IFS= read -r -d '' -n";;esac;` +
    `eval "while ${read} ${DIGITS} queuectl_line&&${read} \\"\\$queuectl_line\\" queuectl_line"` +
    shellWord(`;do set --;eval "$queuectl_line";[ $# -gt 0 ]||continue;${steps};done`) + ";exit";
}

/** The length of a request to bash is given in so many digits. */
const DIGITS = 10;

/**
 * What the shell does for a job. The parameters: id, attempt, time of the claim, worker, folder,
 * log, command, output path, cap, epoch of the lease, `environment` if the job has one; and what to
 * do in the place of /bin/sh, if anything: see plain_command.ts.
 *
 * The folder is always entered, even if the shell is in it: it may have been removed and made
 * again. It is left afterwards, so that an idle worker does not keep a file system busy. If a
 * redirection fails, the shell goes on since the redirection belongs to a group of commands.
 *
 * Whatever is done here is done before the fork, where it can: each page of memory that a forked
 * copy of the shell writes to has to be copied, and that costs more than all else.
 */
function jobSteps(
  kind: ShellKind,
  { umask, identity }: Greeting,
  detach: string,
  deadline: string | undefined,
): string {
  // The job's own process, forked from this shell.
  const [reset, redirections] = [`trap - ${SIGNALS}`, "</dev/null >&5 2>&5 3>&- 4>&- 5>&-"];
  const usual = `\${11:+environment};exec ${detach}/bin/sh -c -- "$7"`;
  const note = 'set -- - $? "$1" "$2"';
  return `umask 077;if ! echo "+ $1 $2 $3\${10:+ \${10}}";then set -- ! journal "$1" "$2";` +
    `elif ! cd "$5";then set -- ! folder "$1" "$2";` +
    (deadline === undefined ? "" : `elif ! may "\${10}";then set -- ! ${LATE} "$1" "$2";`) +
    `elif [ "$9" ]&&! tools;then set -- ! tools "$1" "$2";` +
    `elif [ "$9" ]&&! cap "$1 $2" "$6" $9;then set -- ! log "$1" "$2";` +
    // Once both ends of the pipe are open, its name is removed, so that the next job can use it.
    `else ${
      kind === "bash" ? "" : "unset OLDPWD;"
    }{ [ -z "$9" ]||{ rm -f "$8";exec 6>&-;};umask ${umask};` +
    `export QUEUECTL_JOB_ID="$1" QUEUECTL_ATTEMPT="$2" QUEUECTL_WORKER="$4" ` +
    `${MARK}="$1.$2.$3.$$.${identity.start}.";` +
    // The job writes its process group to the journal before it executes anything, so that it is
    // found when this shell is dead, even if it has cleared its environment. Messages of this shell
    // go there, too: they tell a death by a signal from an exit with the same `$?`. The command of
    // the job is not in them.
    (kind === "bash"
      ? `[ "\${12}" != exec ]||{ ${IS_PROGRAM};}||set -- "\${@:1:11}";case \${12} in ` +
        `exec) (${RECORD};${reset};exec ${redirections};exec "\${@:13}")& ;;` +
        `"") (${RECORD};${reset};exec ${redirections};${usual})& ;;` +
        `*) (${reset};${IN_PLACE}${usual}) ${redirections}& echo "= $!"||echo;;esac;` +
        `{ await $!;${note};[ $2 -le 128 ]||{ ended $! $2;set -- - $? "$3" "$4";};} 2>&1`
      : `{ (${reset};${usual}) ${redirections};${note};} 2>&1`) +
    `;} 5>>"$8"||{ exec 6>&-;set -- ! log "$1" "$2";};fi;` +
    `echo "$1 $3 $4 $2"||set -- "$@" torn;cd /;echo "$1 $2 $5" >&3`;
}

// A shell whose parent tells it has no variable for its own process id: that is bash before 4.0.
const RECORD = `echo "= \${BASHPID:-$(exec /bin/sh -c 'echo $PPID')}"||echo`;

// Where `echo` can't write, /bin/sh says so in its own words.
const IN_PLACE = '"${@:12}" 2>&-&&exit;';

// When a job is stopped by SIGTSTP, bash leaves all loops that it is in, and would end. A function is
// in no loop.
const AWAIT = "await() { wait $1;}";

// With `set -m`, `wait` also returns when the job is stopped (SIGSTOP), with a code above 128. So if
// the job still exists then, wait again, and again if SIGTSTP has ended the loop that does so. If it
// ended before `kill -0` looked, `wait` is called once more; it answers 127 if it has already returned
// the exit code. The mark of the run goes first, so that `sleep` is not taken for a process of the
// job.
const ENDED =
  `ended() { unset ${MARK};while kill -0 $1 2>/dev/null;do sleep 0.1;await $1;set -- $1 $?;done;` +
  `! kill -0 $1 2>/dev/null||{ ended "$@";return;};` +
  `[ $2 -le 128 ]||{ wait $1 2>/dev/null;set -- $1 $2 $?;[ $3 -eq 127 ]||return $3;};return $2;}`;

/**
 * Deno raises its soft limit of open files to the hard limit. Jobs get the soft limit of the first
 * ancestor that is another program, which is what `start` was given. If that ancestor has a
 * different hard limit, as the init process has, they get 1024, the usual one. Without /proc the
 * limit is not changed.
 */
const OPEN_FILES =
  `inherited() { p=$1;while [ "$p" -gt 1 ]&&[ /proc/$p/exe -ef /proc/$1/exe ];do ` +
  `read -r s </proc/$p/stat||return;set -- "$1" \${s##*) };p=$3;done;` +
  `while read -r a b c s h d;do [ "$a $b $c" = "Max open files" ]&&echo $s $h;done ` +
  `</proc/$p/limits;}\n` +
  `set -- $(inherited $PPID 2>/dev/null) "$(ulimit -Hn)";` +
  `[ $# -lt 3 ]||{ [ "$2" = "$3" ]||set -- 1024;ulimit -Sn "$1";} 2>/dev/null`;

/**
 * Whether there is time left until the deadline in a file, if there is one, and the lease is still
 * the one under which the job was claimed, whose epoch is the parameter: see guard.ts. A guard
 * would end what begins after it, but some moments later. What can't be read has no time in it; what
 * this shell says of that goes to /dev/null, as all that it says.
 */
function mayBegin(deadline: string | undefined): string {
  if (deadline === undefined) return "";
  return `may() { read -r queuectl_line </proc/uptime&&set -- "$1" "\${queuectl_line%%.*}"&&` +
    `read -r queuectl_line <${shellWord(deadline)}&&set -- "$1" "$2" $queuectl_line;` +
    `unset queuectl_line;[ "$2" -lt "\${3%%.*}" ]&&{ [ -z "$1" ]||[ "$1" = "$5" ];};}`;
}

/**
 * The job writes to a pipe. A second shell reads it, fills the log, and drops the rest. Nobody
 * waits for that shell: it lives as long as any process has the pipe open, such as a child in the
 * background. It is detached and in a process group of its own, so that killing the job does not
 * kill it.
 *
 * Opening one end of a pipe waits for the other. So this shell has both open (6) until it has opened
 * each of them, and the second shell gets its end from here: else either would wait for ever if the
 * other one is killed at that moment.
 */
function cap(pipe: string, detach: string): string {
  const fifo = shellWord(pipe);
  return `tools() { command -v cat&&command -v dd&&command -v mkfifo&&command -v rm&&` +
    `command -v wc;} >/dev/null 2>&1\n` +
    `cap() { { :;} 5>>"$2"&&rm -f ${fifo}&&mkfifo ${fifo}&&command exec 6<>${fifo}&&` +
    `(unset ${MARK};${detach}/bin/sh -c ${
      shellWord(FILTER)
    } sh "$2" "$3" "$4" "$1" <&7 >&3 3>&- 4>&- 6>&- 7<&- &) 7<${fifo};} 2>/dev/null`;
}

// Of the programs that every system has, only `cat` passes on at once what it reads, and only
// `ulimit` can stop it, at a multiple of 512 bytes. `dd` then cuts the log to its size. The
// arguments: log, bytes, blocks, id and attempt. If /bin/sh is bash, it may have imported functions
// from the environment, so they are unset.
const FILTER = `unset -f cat dd echo printf ulimit wc;` +
  `trap "" HUP INT QUIT TERM USR1 USR2 XFSZ;(ulimit -f "$3";exec cat >>"$1");code=$?;` +
  `size=$(wc -c <"$1");if [ "$code" -ne 0 ]||[ "$size" -gt "$2" ];then ` +
  `if [ "$size" -ge "$2" ];then dd if=/dev/null of="$1" bs=1 seek="$2";` +
  `printf "\\n${cappedNote("%s")}\\n" "$2" >>"$1";fi;` +
  `cat >/dev/null;fi;echo "~ $4"`;

/**
 * The line that runs the job. The shell writes begin and end to the journal and then answers, so
 * the end is on record even if nobody reads the answer: `- CODE`, or `! FAULT` if it was not
 * started. `torn` at the end of the answer means that the end could not be written to the journal,
 * which may have half a line. If the log is capped, `~ ID ATTEMPT` follows when all of the output
 * has been written.
 */
export function jobScript(
  run: Run,
  journal: string,
  kind: ShellKind,
  inPlace: InPlace | [] = [],
): string {
  const isCapped = run.logMax > 0;
  const word = kind === "bash" ? plainTextWord : shellWord;
  const words = [
    run.id,
    String(run.attempt),
    String(run.startedAt),
    run.worker,
    run.cwd,
    run.log,
    run.command,
    isCapped ? pipeOf(journal) : run.log,
    isCapped ? `${run.logMax} ${Math.ceil(run.logMax / 512)}` : "",
    run.epoch ?? "",
    Object.keys(run.env).length > 0 ? "environment" : "",
    ...inPlace,
  ];
  const parameters = words.map(word).join(" ");
  const hasEnvironment = Object.keys(run.env).length > 0;
  const define = hasEnvironment ? `environment() { ${environment(run, journal, word)};}\n` : "";
  return kind === "bash"
    ? request(`${define}set -- ${parameters}`)
    : `${define}job ${parameters}\n`;
}

/** A text for bash to execute, with its length before it. */
export function request(text: string): string {
  return String(text.length).padStart(DIGITS, "0") + text;
}

/**
 * Sets the variables in the job's own process. No value is ever an argument of a program, since all
 * users can read arguments. If the shell refuses a variable, the process ends, in some shells at
 * once, and a line in the journal says so.
 */
function environment(
  { id, attempt, env }: Run,
  journal: string,
  word: (text: string) => string,
): string {
  const steps = Object.entries(env).filter(([name]) => !OURS.has(name)).map(([name, value]) =>
    `export ${word(`${name}=${value}`)}` +
    // Some of a shell's own variables accept a value and then have another.
    (isShellsOwn(name) ? `&&[ "$${name}" = ${word(value)} ]` : "")
  );
  const refuse = `echo ${word(`! ${id} ${attempt} environment`)} >>${word(journal)};` +
    `exit ${REFUSED}`;
  return `trap ${word(refuse)} EXIT;{ ${steps.join("&&") || ":"}||exit;} 2>/dev/null;trap - EXIT`;
}

/** Every job gets these, whatever its own environment says. */
const OURS = new Set(["QUEUECTL_JOB_ID", "QUEUECTL_ATTEMPT", "QUEUECTL_WORKER", MARK]);

/**
 * The text as one word for bash, in characters of ASCII alone, so that its length is the same in
 * every locale.
 */
function plainTextWord(text: string): string {
  if (/^[\n -~]*$/.test(text)) return shellWord(text);
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => {
    const character = String.fromCharCode(byte);
    return /[ -&(-[\]-~]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `$'${bytes.join("")}'`;
}

/** The fault of a run that was not begun since the deadline has passed: see guard.ts. */
export const LATE = "late";

/** The exit code of a job's process if a variable could not be set. */
export const REFUSED = 254;

/** Variables of bash itself: it does not let them be set, or does not pass the value on. */
const SHELLS_OWN = new Set(
  ("BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_COMMAND " +
    "BASH_LINENO BASH_MONOSECONDS BASH_SOURCE BASH_SUBSHELL BASH_TRAPSIG BASH_VERSINFO " +
    "BASH_VERSION COMP_WORDBREAKS DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS " +
    "HISTCMD LINENO OPTIND PIPESTATUS PPID RANDOM SECONDS SHELLOPTS SHLVL SRANDOM UID _")
    .split(" "),
);

/** Whether bash can't pass on a variable of that name unchanged; most other shells can. */
export function isShellsOwn(name: string): boolean {
  return SHELLS_OWN.has(name);
}
