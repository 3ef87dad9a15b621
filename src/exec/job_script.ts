// The shell text that the resident shell is told: once what it is to know, then a line for each
// job. Pure. It is right for bash, dash and busybox. It sets no variable but those meant for the
// job, since the worker's environment may export one of the same name: it uses parameters instead.

import { shellWord } from "../system/shell_word.ts";
import { aliveOf, pipeOf, type ProcessIdentity, type RunKey } from "./journal.ts";
import type { Run } from "./run.ts";

/**
 * How the shell gives each job a process group of its own. `bash` does it by `set -m`, without
 * another program; any other shell has to start the job through `setsid`.
 */
export type ShellKind = "bash" | "sh";

/** What a shell says of itself when it has started. */
export interface Greeting {
  readonly identity: ProcessIdentity;
  readonly umask: string;
  /** The path of `setsid`; empty if there is none. */
  readonly setsid: string;
}

/** The variable by which the processes of a run are found, and what it holds. */
export const MARK = "QUEUECTL_RUN_ID";

/**
 * Unique among all runs of all workers of a machine, also where ids are used again. The dot at the
 * end keeps it from being the beginning of another.
 */
export function markOf(run: RunKey, shell: ProcessIdentity): string {
  return `${runText(run)}${shell.pid}.${shell.start}.`;
}

/** The part of the mark that says which run it is; the rest says which shell runs it. */
export function runText({ id, attempt, startedAt }: RunKey): string {
  return `${id}.${attempt}.${startedAt}.`;
}

// A job that signals its parent must not end the shell. They are ignored rather than trapped: a
// trap interrupts `wait`, and bash then forgets now and then how the job ended. That a signal is
// ignored also makes bash say of any death by it that it was one.
const SIGNALS = "HUP INT QUIT PIPE ALRM TERM USR1 USR2";

/**
 * What the shell is told first: to keep the journal open, to outlive signals from a job, and to say
 * who it is: `shell PID BOOT START NAMESPACE HOST` into the journal, on stdout followed by umask
 * and setsid. It holds a named pipe open by which others can tell that it lives.
 */
export function greetingScript(journal: string): string {
  const alive = shellWord(aliveOf(journal));
  // The start time is field 22; the name of the program in field 2 may hold blanks, so count from
  // its end.
  return `exec 3>>${shellWord(journal)};trap '' ${SIGNALS};set -- - -;` +
    `if read -r queuectl_line </proc/$$/stat;then set -- \${queuectl_line##*) };set -- "\${20}" -;` +
    `read -r queuectl_line </proc/sys/kernel/random/boot_id&&set -- "$1" "$queuectl_line";` +
    `else set -- $(LC_ALL=C ps -o lstart= -p $$);set -- "$1_$2_$3_$4_$5" -;fi 2>/dev/null;` +
    `unset queuectl_line;` +
    `{ set -- "$1" "$2" "$(readlink /proc/$$/ns/pid)" "$(uname -n)";` +
    `mkfifo ${alive}&&exec 4<>${alive};} 2>/dev/null;` +
    `set -- "shell $$ $2 $1 \${3:--} \${4:--}";` +
    `echo "$1" >&3||exit 1;echo "$1 $(umask) $(command -v setsid)"\n`;
}

/** The shell's answer to the greeting. */
export function parseGreeting(answer: string): Greeting {
  const [, pid, boot = "-", start = "-", namespace = "-", host = "-", umask = "0022", ...setsid] =
    answer.split(" ");
  const identity = { pid: Number(pid), boot, start, namespace, host };
  return { identity, umask, setsid: setsid.join(" ") };
}

/** Variables that all jobs of a worker get, unless their own environment says otherwise. */
export type Variables = Readonly<Record<string, string>>;

/**
 * The functions that the lines for jobs call. Bash reads a pipe byte by byte, so what is said once
 * need not be said with each job.
 */
export function functionsScript(
  kind: ShellKind,
  greeting: Greeting,
  journal: string,
  variables: Variables = {},
  deadline?: string,
): string {
  const { umask, identity } = greeting;
  const detach = kind === "bash" ? "" : `${shellWord(greeting.setsid)} `;
  return [
    // Bash counts itself among the nested shells; a job is to see what the worker sees.
    kind === "bash"
      ? 'set -m;if [ "$SHLVL" -gt 1 ];then export SHLVL=$((SHLVL-1));else unset SHLVL;fi'
      : "",
    OPEN_FILES,
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`),
    "environment() { :;}",
    // What the job is, in a process of its own: its parameters are those of `job`, behind two more.
    `child() { trap - ${SIGNALS};environment;` +
    `QUEUECTL_JOB_ID="$3" QUEUECTL_ATTEMPT="$4" QUEUECTL_WORKER="$6" ` +
    `${MARK}="$3.$4.$5.$$.${identity.start}." exec ${detach}/bin/sh -c -- "$9" ` +
    `</dev/null >&5 2>&5 3>&- 4>&- 5>&-;}`,
    // What the shell itself says goes to the journal: it tells of a death by a signal, for which
    // `$?` has the same number as for an exit. The text of the job is not in it.
    kind === "bash"
      ? 'start() { { (child "$@")& ended $!;} 2>&3;}'
      : 'start() { { (child "$@");set -- $?;return $1;} 2>&3;}',
    // With `set -m`, `wait` returns for a job that was stopped too. One that ends before `kill -0`
    // looks is asked for once more; 127 is then the answer if it had told already.
    `ended() { wait $1;set -- $1 $?;while kill -0 $1 2>/dev/null;do sleep 0.1;wait $1;` +
    `set -- $1 $?;done;[ $2 -le 128 ]||{ wait $1 2>/dev/null;set -- $1 $2 $?;` +
    `[ $3 -eq 127 ]||return $3;};return $2;}`,
    cap(pipeOf(journal), detach),
    mayBegin(deadline),
    // Parameters: id, attempt, time of the claim, worker, folder, log, command, where the output
    // goes, cap. The folder is entered always, even if the shell is there already: it may have been
    // made anew. It is left afterwards, so that an idle worker does not keep a file system busy.
    // A redirection that fails leaves the parameters as they are, and does not end the shell since
    // it belongs to a group of commands.
    `job() { umask 077;if ! echo "+ $1 $2 $3" >&3;then set -- ! journal "$1" "$2";` +
    `elif ! cd "$5" 2>/dev/null;then set -- ! folder "$1" "$2";` +
    `elif ! may;then set -- ! ${LATE} "$1" "$2";` +
    `elif [ "$9" ]&&! tools;then set -- ! tools "$1" "$2";` +
    `elif [ "$9" ]&&! cap "$1 $2" "$6" $9;then set -- ! log "$1" "$2";` +
    `else unset OLDPWD;set -- ! log "$@";{ {` +
    // Once both ends are open the name is needed no more, and can't get in the way of the next.
    ` [ "$8" = "\${10}" ]||rm -f "\${10}";` +
    `umask ${umask};start "$@";set -- - $? "$3" "$4";} 5>>"\${10}";} 2>/dev/null;fi;` +
    `umask ${umask};set -- "$1" "$2" "$3" "$4";` +
    `echo "$1 $3 $4 $2" >&3||set -- "$@" torn;cd /;echo "$1 $2 $5";}`,
    "",
  ].join("\n");
}

/**
 * Deno raises its soft limit of open files to the hard one. Jobs get that of the first ancestor
 * which is another program, so what `start` was given; 1024, the usual one, if that has another
 * hard limit, such as the init process has. Without /proc the limit stays.
 */
const OPEN_FILES =
  `inherited() { p=$1;while [ "$p" -gt 1 ]&&[ /proc/$p/exe -ef /proc/$1/exe ];do ` +
  `read -r s </proc/$p/stat||return;set -- "$1" \${s##*) };p=$3;done;` +
  `while read -r a b c s h d;do [ "$a $b $c" = "Max open files" ]&&echo $s $h;done ` +
  `</proc/$p/limits;}\n` +
  `set -- $(inherited $PPID 2>/dev/null) "$(ulimit -Hn)";` +
  `[ $# -lt 3 ]||{ [ "$2" = "$3" ]||set -- 1024;ulimit -Sn "$1";} 2>/dev/null`;

/**
 * Whether there is time left until the deadline in a file, if there is one: see guard.ts. A guard
 * would end what begins after it, but some moments later. What can't be read has no time in it.
 */
function mayBegin(deadline: string | undefined): string {
  if (deadline === undefined) return "may() { :;}";
  return `may() { { set -- 0 0;read -r queuectl_line </proc/uptime&&` +
    `set -- "\${queuectl_line%%.*}" 0&&read -r queuectl_line <${shellWord(deadline)}&&` +
    `set -- "$1" "\${queuectl_line%%.*}";unset queuectl_line;[ "$1" -lt "$2" ];} 2>/dev/null;}`;
}

/**
 * The job writes to a pipe, from which a second shell fills the log and then drops the rest. Nobody
 * waits for that one: it lives as long as anyone has the pipe open, such as a child in the
 * background. It is nobody's child, and in a process group of its own, so that nothing that ends
 * the job ends it.
 */
function cap(pipe: string, detach: string): string {
  const fifo = shellWord(pipe);
  return `tools() { command -v cat&&command -v dd&&command -v mkfifo&&command -v rm&&` +
    `command -v wc;} >/dev/null 2>&1\n` +
    `cap() { { :;} 5>>"$2"&&rm -f ${fifo}&&mkfifo ${fifo}&&` +
    `(${detach}/bin/sh -c ${
      shellWord(FILTER)
    } sh "$2" "$3" "$4" "$1" <${fifo} 3>&- 4>&- &);} 2>/dev/null`;
}

// Of the programs that every system has, `cat` alone passes on at once what it reads, and only
// `ulimit` can stop it, at a multiple of 512 bytes. `dd` then cuts the log to its size. The
// arguments: log, bytes, blocks, id and attempt. A bash that is /bin/sh has taken functions out of
// the environment.
const FILTER = `unset -f cat dd echo printf ulimit wc;` +
  `trap "" HUP INT QUIT TERM USR1 USR2 XFSZ;(ulimit -f "$3";exec cat >>"$1");code=$?;` +
  `size=$(wc -c <"$1");if [ "$code" -ne 0 ]||[ "$size" -gt "$2" ];then ` +
  `if [ "$size" -ge "$2" ];then dd if=/dev/null of="$1" bs=1 seek="$2";` +
  `printf "\\n[queuectl: log capped at %s bytes; the rest was dropped]\\n" "$2" >>"$1";fi;` +
  `cat >/dev/null;fi;echo "~ $4"`;

/**
 * The line that runs the job. The shell writes begin and end to the journal (fd 3), and then
 * answers on stdout, so that the end is on file also when nobody is there to read the answer: `- CODE`, or
 * `! FAULT` if it was not started. `torn` at the end of the answer: the journal could not take the
 * end, and may hold half of a line. With a cap on the log, `~ ID ATTEMPT` follows when all of the
 * output has been written.
 */
export function jobScript(run: Run, journal: string): string {
  const isCapped = run.logMax > 0;
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
  ];
  const job = `job ${words.map(shellWord).join(" ")}\n`;
  return Object.keys(run.env).length === 0
    ? job
    : `environment() { ${environment(run)};}\n${job}environment() { :;}\n`;
}

/**
 * Sets the variables in the job's own process. No value is ever an argument of a program, since all
 * users can read those. What the shell refuses ends the process with a word in the journal, in some
 * shells at once.
 */
function environment({ id, attempt, env }: Run): string {
  const steps = Object.entries(env).map(([name, value]) =>
    `export ${shellWord(`${name}=${value}`)}` +
    // Some of a shell's own variables take a value and then say another.
    (isShellsOwn(name) ? `&&[ "$${name}" = ${shellWord(value)} ]` : "")
  );
  const refuse = `echo ${shellWord(`! ${id} ${attempt} environment`)} >&3;exit ${REFUSED}`;
  return `trap ${shellWord(refuse)} EXIT;{ ${steps.join("&&")}||exit;} 2>/dev/null;trap - EXIT`;
}

/** The fault of a run that was not begun since the deadline has passed: see guard.ts. */
export const LATE = "late";

/** The exit code of a job's process that could not be given its environment. */
export const REFUSED = 254;

/** Names that bash keeps for itself: it does not let them be set, or does not hand the value on. */
const SHELLS_OWN = new Set(
  ("BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_COMMAND " +
    "BASH_LINENO BASH_MONOSECONDS BASH_SOURCE BASH_SUBSHELL BASH_TRAPSIG BASH_VERSINFO " +
    "BASH_VERSION COMP_WORDBREAKS DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS " +
    "HISTCMD LINENO OPTIND PIPESTATUS PPID RANDOM SECONDS SHELLOPTS SHLVL SRANDOM UID _")
    .split(" "),
);

/** Whether bash can't hand on a variable of that name as it is; other shells mostly can. */
export function isShellsOwn(name: string): boolean {
  return SHELLS_OWN.has(name);
}
