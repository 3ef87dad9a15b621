// The shell text that runs one job in the resident shell: dash, bash or busybox. Pure. It sets no
// variable but those meant for the job, since the worker's environment may export one of the same
// name.

import type { Run } from "./run.ts";

/** The text as one word of shell, whatever it holds (but for NUL, which no argument can hold). */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Why a job was not started, as the shell writes it down. */
export type StartFault = "journal" | "folder" | "log";

/**
 * One line of shell that runs the job, writes begin and end to the journal (fd 3), and then answers
 * on stdout, so that the end is on file also when nobody is there to read the answer: `- CODE`, or
 * `! FAULT` if it was not started. `torn` at the end of the answer: the journal could not take the
 * end, and may hold half of a line. With a cap on the log, `~ ID ATTEMPT` follows when all of the
 * output has been written.
 * @param umask what the job is to have; its log is made with 077
 * @param pipe the path for a named pipe, used only for a capped log
 */
export function jobScript(run: Run, umask: string, pipe: string): string {
  const key = `${run.id} ${run.attempt}`;
  // The answer lies in $1 and $2. A redirection that fails leaves them as they are, and does not
  // end the shell since it belongs to a group of commands.
  const body = `{ umask ${umask};if ! echo '+ ${key} ${run.startedAt}' >&3;then set -- ! journal;` +
    // Always, even if it is there already: the folder may have been made anew. It leaves the folder
    // afterwards, so that an idle worker does not keep a file system busy.
    `elif ! cd ${quote(run.cwd)} 2>/dev/null;then set -- ! folder;` +
    `else unset OLDPWD;${command(run)} 3>&-;set -- - $?;fi;}`;
  return `set -- ! log;umask 077;` +
    (run.logMax > 0 ? capped(run, body, pipe) : `${body} </dev/null >>${quote(run.log)} 2>&1;`) +
    `umask ${umask};echo "$1 ${key} $2" >&3||set -- "$1" "$2" torn;cd /;echo "$1 $2 $3"\n`;
}

/** In the foreground: dash then starts it with vfork, which is what makes this cheap. */
function command(run: Run): string {
  const own = `QUEUECTL_JOB_ID=${quote(run.id)} QUEUECTL_ATTEMPT=${run.attempt} QUEUECTL_WORKER=${
    quote(run.worker)
  }`;
  const shell = `/bin/sh -c -- ${quote(run.command)}`;
  const given = Object.entries(run.env);
  if (given.length === 0) return `${own} ${shell}`;
  // Not as assignments: some names are read-only in bash, and not every name is one for a shell.
  return `/usr/bin/env -- ${
    given.map(([key, value]) => quote(`${key}=${value}`)).join(" ")
  } ${own} ${shell}`;
}

/**
 * The job writes to a pipe, from which a second shell fills the log and then drops the rest. Nobody
 * waits for that one: it lives as long as anyone has the pipe open, such as a child in the
 * background. Its job id keeps it from being killed with the job.
 */
function capped(run: Run, body: string, pipe: string): string {
  const [log, fifo] = [quote(run.log), quote(pipe)];
  const size = `${run.logMax} ${Math.ceil(run.logMax / 512)}`;
  return `if { :;} 2>/dev/null >>${log}&&rm -f ${fifo}&&mkfifo ${fifo};then ` +
    `QUEUECTL_JOB_ID=- /bin/sh -c ${quote(FILTER)} sh ${log} ${size} '${run.id} ${run.attempt}' ` +
    `<${fifo} 3>&- 2>/dev/null & ` +
    // Once both ends are open the name is needed no more, and can't get in the way of the next run.
    `{ rm -f ${fifo};${body};} </dev/null >${fifo} 2>&1;fi;`;
}

// Of the programs that every system has, `cat` alone passes on at once what it reads, and only
// `ulimit` can stop it, at a multiple of 512 bytes. `dd` then cuts the log to its size. The
// arguments: log, bytes, blocks, id and attempt.
const FILTER =
  `trap "" HUP INT QUIT TERM USR1 USR2 XFSZ;(ulimit -f "$3";exec cat >>"$1");code=$?;` +
  `size=$(wc -c <"$1");if [ "$code" -ne 0 ]||[ "$size" -gt "$2" ];then ` +
  `if [ "$size" -ge "$2" ];then dd if=/dev/null of="$1" bs=1 seek="$2";` +
  `printf "\\n[queuectl: log capped at %s bytes; the rest was dropped]\\n" "$2" >>"$1";fi;` +
  `cat >/dev/null;fi;echo "~ $4"`;

/**
 * What the resident shell is told first: to keep the journal open, to outlive the signals that a
 * job sends to its group (a caught signal is back at its default in each child; an ignored one
 * would not be), and to say who it is: `shell PID BOOT START`, on stdout followed by its umask.
 */
export function greetingScript(journal: string): string {
  // The start time is field 22; the name of the program in field 2 may hold blanks, so count from
  // its end.
  return `exec 3>>${quote(journal)};trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2;set -- - -;` +
    `if read -r queuectl_line </proc/$$/stat;then set -- \${queuectl_line##*) };set -- "\${20}" -;` +
    `read -r queuectl_line </proc/sys/kernel/random/boot_id&&set -- "$1" "$queuectl_line";` +
    `else set -- $(LC_ALL=C ps -o lstart= -p $$);set -- "$1_$2_$3_$4_$5" -;fi 2>/dev/null;unset queuectl_line;` +
    `echo "shell $$ $2 $1" >&3||exit 1;echo "shell $$ $2 $1 $(umask)"\n`;
}
