# A job of the torture. It holds a lock of its own while it or a child of it runs, notes its begin
# and end, and does what its kind says. The lock is the kernel's, so it is free once the last process
# that has it is dead, however it died.
# Arguments: the folder for notes, the kind, a number for it, and how often its id was used before.
kind=$2
number=$3
life=$4
attempt=$QUEUECTL_ATTEMPT
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
[ "$kind" = deaf ] && trap '' TERM
echo "begin $attempt $$ $life" >&9
echo "begin $QUEUECTL_JOB_ID $attempt $life"

finish() {
  echo "end $QUEUECTL_JOB_ID $attempt $life"
  echo "end $attempt $$ $life $1" >&9
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
  setsid sleep "$number" 9>&- &
  finish 0
  ;;
leave)
  sleep "$number" 9>&- &
  finish 0
  ;;
noisy)
  yes "a line of much output" 2>/dev/null | head -c "$number"
  echo
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
