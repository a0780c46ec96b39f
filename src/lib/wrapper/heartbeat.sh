# The heartbeat of a job: tells a live one from one whose node is gone. Part of the batch script that becomes wrapper.sh,
# which ends it; $beat is the file, $every the seconds.

# The wrapper as $$ lives on; one that was killed and that nobody has reaped yet is dead.
alive() {
  kill -0 $$ 2>/dev/null || return 1
  read -r stat 2>/dev/null </proc/$$/stat || return 0
  case ${stat##*) } in Z*) return 1 ;; esac
}

heartbeat() {
  # Whoever is told to end leaves no sign of life behind; one that is torn away does, and its age tells.
  trap 'kill "$nap" 2>/dev/null; rm -f -- "$beat"; exit 0' TERM HUP INT
  while alive; do
    # A write, not a touch: the time is then the file server's, like the one that dflow compares it with.
    echo >"$beat"
    sleep "$every" &
    nap=$!
    wait "$nap"
  done
  rm -f -- "$beat"
}
heartbeat >/dev/null 2>&1 &
export DFLOW_BEAT=$!
