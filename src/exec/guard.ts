// A guard for what a worker's shell runs: a shell of its own, which ends the job when a deadline has
// passed, whether or not any process of queuectl lives. It knows no store: whoever hears from the
// store in time writes a later deadline into a file.

import type { FileSystem } from "../system/file_system.ts";
import { MARK } from "./job_script.ts";
import { type ProcessIdentity, readWriter } from "./journal.ts";
import { alone, NO_PROCESS } from "./processes.ts";

/**
 * What a guard looks after. The file begins with three words: the deadline, in seconds as in
 * /proc/uptime, a clock that never stops; how long a lease is; and an epoch, another one whenever the
 * host was taken for gone in between. A run that was begun under another epoch is ended, too.
 */
export interface Guarded {
  readonly journal: string;
  readonly deadline: string;
}

/** A guard that was started from here; it goes on when this process ends. */
export interface Guard {
  /** Settles when the guard has ended: by itself, when what it guards is gone. */
  readonly ended: Promise<unknown>;
  /** Ends it: what it guards has ended. */
  release(): void;
}

/** Starts a guard for the shell with this identity. Two for the same do no harm. */
export function startGuard({ pid, start }: ProcessIdentity, guarded: Guarded): Guard {
  const { journal, deadline } = guarded;
  const child = new Deno.Command("/bin/sh", {
    ...alone(),
    args: ["-c", BEGIN, "sh", GUARD, journal, deadline, String(pid), start, MARK],
    stdout: "null",
    cwd: "/",
  }).spawn();
  child.unref();
  return {
    ended: child.status,
    release() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
    },
  };
}

/** Starts a guard for whatever the shell of this journal runs, whoever has started that. */
export function guardJournal(files: FileSystem, guarded: Guarded): void {
  const { shell, isAtWork } = readWriter(files, guarded.journal);
  if (shell !== undefined && isAtWork && shell.pid !== NO_PROCESS) startGuard(shell, guarded);
}

// A session of its own keeps away what is sent to the worker's group. Bash can wait without starting
// a program, so that an idle guard costs next to nothing.
const BEGIN = `g=$1;shift;s=/bin/sh;f=;if command -v bash;then s=bash;f=-p;fi >/dev/null;` +
  `if command -v setsid >/dev/null;then exec setsid $s $f -c "$g" queuectl-guard "$@";fi;` +
  `exec $s $f -c "$g" queuectl-guard "$@"`;

/**
 * The guard itself, right for bash, dash and busybox: parameters are journal, deadline, process id
 * and start of the shell, and the name of the variable that marks a run's processes. It goes by
 * builtins alone where the programs are missing.
 */
export const GUARD = `
journal=$1 deadline=$2 shell=$3 start=$4 name=$5
trap '' HUP INT QUIT TERM PIPE ALRM USR1 USR2
if [ "$BASH_VERSION" ]; then
  eval 'exec 9<> <(:); nap() { read -r -t "$1" -u 9; }'
else
  nap() { sleep "$1" || sleep 1; }
fi

# What can't be read has no time in it: then it is over.
passed() {
  read -r now rest </proc/uptime || return 0
  until= epoch=
  read -r until lease epoch rest <"$deadline"
  case $until in '' | *[!0-9.]*) return 0 ;; esac
  [ "\${until%.*}" -le "\${now%.*}" ]
}

lives() {
  read -r stat <"/proc/$shell/stat" || return 1
  set -- \${stat##*) }
  [ "$1" != Z ] && [ "\${20}" = "$start" ]
}

# The run that is under way, by the journal, if there is one. A line that is cut off does not count.
running() {
  run=
  while read -r kind id attempt began under rest; do
    case $kind in
      +) run=$id.$attempt.$began run_id="$id $attempt" run_epoch=$under run_group= ;;
      =) run_group=$id ;;
      - | !) run= ;;
    esac
  done <"$journal"
  [ "$run" ]
}

# The processes of the run: those that carry its mark, the shell's own children, its group on record,
# all that these have started, and all that share a process group or session with one of them. Each
# is in $members, and in $known from then on.
look() {
  mark=$name=$run.$shell.$start.
  if command -v grep >/dev/null; then
    marked=" $(cd /proc && grep -lF -e "$mark" [0-9]*/environ) "
  else
    marked=' '
    for file in /proc/[0-9]*/environ; do
      while read -r line || [ "$line" ]; do
        case $line in *"$mark"*) marked="$marked\${file#/proc/} " ; break ;; esac
      done <"$file"
    done
  fi
  all=
  for file in /proc/[0-9]*/stat; do
    read -r stat <"$file" || continue
    pid=\${file#/proc/} pid=\${pid%/stat}
    set -- \${stat##*) }
    case $1 in Z | X) continue ;; esac
    all="$all $pid:$2:$3:$4"
  done
  members=' ' groups=' ' sessions=' ' grown=yes
  while [ "$grown" ]; do
    grown=
    for one in $all; do
      IFS=:
      set -- $one
      unset IFS
      [ "$1" -gt 1 ] && [ "$1" != "$shell" ] || continue
      case $members in *" $1 "*) continue ;; esac
      if [ "$2" = "$shell" ] || [ "$3:$4" = "$run_group:$shell" ]; then :; else
        case "$marked$known$members" in
          *[!0-9]"$1"/environ[!0-9]* | *" $1 "* | *" $2 "*) ;;
          *) case $groups in *" $3 "*) ;;
            *) case $sessions in *" $4 "*) ;; *) continue ;; esac ;;
          esac ;;
        esac
      fi
      members="$members$1 " grown=yes
      [ "$3" -le 1 ] || [ "$3" = "$shell" ] || groups="$groups$3 "
      [ "$4" -le 1 ] || [ "$4" = "$shell" ] || sessions="$sessions$4 "
    done
  done
}

# First the shell is stopped: it begins nothing, and tells no end. Then all are stopped, until no new
# one appears, so that none starts another and is gone before its turn. The journal says why.
finish() {
  kill -STOP "$shell"
  known=' ' calm=0 rounds=0
  while [ "$calm" -lt 2 ] && [ "$rounds" -lt 50 ]; do
    rounds=$((rounds + 1)) fresh=yes
    while [ "$fresh" ]; do
      fresh=
      look
      for pid in $members; do
        case $known in *" $pid "*) continue ;; esac
        known="$known$pid " fresh=yes
        kill -STOP "$pid"
      done
    done
    if [ "$members" = ' ' ]; then calm=$((calm + 1)); else
      calm=0
      for group in $groups; do kill -KILL -- "-$group"; done
      for pid in $members; do kill -KILL "$pid"; done
      nap 0.1
      known=' '
    fi
  done
  echo "! $run_id deadline" >>"$journal"
  lives && kill -KILL "$shell"
}

known=' ' seen=
while :; do
  if passed; then
    if running; then finish; fi
    lives || exit 0
    nap 0.2
    continue
  fi
  # The host was taken for gone, and came back before this could look: a new lease is not for what
  # was begun under the one before.
  if [ "$epoch" != "$seen" ]; then
    seen=$epoch
    if running && [ "$run_epoch" ] && [ "$run_epoch" != "$epoch" ]; then finish; fi
  fi
  # Without its shell a job may live on, until somebody sees to it.
  lives || { running && known=' ' && look && [ "$members" != ' ' ]; } || exit 0
  if [ "$((\${until%.*} - \${now%.*}))" -gt 3 ]; then nap 1; else nap 0.2; fi
done
`;
