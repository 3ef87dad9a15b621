# A job of the torture. It holds a lock of its own while it or a child of it runs, notes its begin
# and end, and does what its kind says. The lock is the kernel's, so it is free once the last process
# that has it is dead, however it died. In the same way it counts the jobs of its queue that run, and
# holds the lock of its key, of which there is one for all jobs that must not run beside another.
# Arguments: the folder for notes, the kind, a number for it, the key or -, and how often its id was
# used before.
kind=$2
number=$3
key=$4
life=$5
attempt=$QUEUECTL_ATTEMPT
folder=${1%/notes}
exec 9>>"$1/$QUEUECTL_JOB_ID" || exit 97
flock -n 9
case $? in
0) ;;
1)
  echo "overlap $attempt $$ $life" >&9
  exit 99
  ;;
*) exit 98 ;;
esac

if [ "$key" != - ]; then
  exec 6>>"$folder/keys/$key"
  flock -n 6 || echo "beside $attempt $$ $life $key" >&9
fi

# Its queue is the one that its ticket names now, since that may be changed while it waits.
queue=default
for ticket in "$folder/data/queue/running/$QUEUECTL_WORKER/"*".$QUEUECTL_JOB_ID@"*; do
  [ -e "$ticket" ] && queue=${ticket##*@}
done
# One at a time counts, so that all that are counted ran at one moment, this one included.
running=1
if [ "$queue" != default ] && [ "$queue" != hooks ]; then
  peers=$folder/peers/$queue
  [ -d "$peers" ] || mkdir -p "$peers"
  exec 8>>"$peers/.lock"
  flock 8
  for peer in "$peers"/*; do
    [ -e "$peer" ] || continue
    flock -n "$peer" rm -f "$peer" || running=$((running + 1))
  done
  exec 7>>"$peers/$QUEUECTL_JOB_ID.$attempt"
  flock -n 7
  exec 8>&-
fi

[ "$kind" = deaf ] && trap '' TERM
read -r time idle </proc/uptime
echo "begin $attempt $$ $life $time $queue $running" >&9
echo "begin $QUEUECTL_JOB_ID $attempt $life"

finish() {
  echo "end $QUEUECTL_JOB_ID $attempt $life"
  read -r time idle </proc/uptime
  echo "end $attempt $$ $life $1 $time" >&9
  exit "$1"
}

case $kind in
quick) finish 0 ;;
fail) finish "$number" ;;
flaky) [ "$attempt" -gt "$number" ] && finish 0 || finish 5 ;;
slow | deaf)
  sleep "$number"
  finish 0
  ;;
family)
  sleep "$number" &
  (sleep "$number") &
  wait
  finish 0
  ;;
session)
  # It leaves the job's group and session, and has to end with the job all the same.
  setsid sleep "$number" &
  wait
  finish 0
  ;;
daemon)
  setsid sleep "$number" 6>&- 7>&- 9>&- &
  finish 0
  ;;
leave)
  sleep "$number" 6>&- 7>&- 9>&- &
  finish 0
  ;;
noisy)
  yes "a line of much output" 2>/dev/null | head -c "$number"
  echo
  finish 0
  ;;
hook)
  echo "hook $attempt $$ $life $QUEUECTL_HOOK_JOB_ID $QUEUECTL_HOOK_STATE" \
    "$QUEUECTL_HOOK_ATTEMPTS" >&9
  finish 0
  ;;
suicide)
  kill -9 $$
  ;;
group)
  kill 0
  sleep 1
  ;;
esac
finish 96
