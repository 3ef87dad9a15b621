# A job of the torture of hosts. Its processes hold a lock as long as any of them lives, and it notes
# its begin and end: so what ran, and whether it ran alone, is known without the store.
# Arguments: the folder for notes, seconds, and the exit code; for a list of codes that of the attempt.
notes=$1/$QUEUECTL_JOB_ID
exec 9>>"$notes"
if ! flock -n 9; then
  echo "$QUEUECTL_ATTEMPT" >>"$notes.overlap"
  exit 99
fi
echo "begin $QUEUECTL_ATTEMPT" >&9
echo "begin $QUEUECTL_JOB_ID $QUEUECTL_ATTEMPT"
sleep "$2" &
wait
code=$(echo "$3" | cut -d, -f"$QUEUECTL_ATTEMPT")
echo "end $QUEUECTL_JOB_ID $QUEUECTL_ATTEMPT"
echo "end $QUEUECTL_ATTEMPT ${code:-0}" >&9
exit "${code:-0}"
