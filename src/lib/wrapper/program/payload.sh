# The payload: run with the release set up, within its limit; why it failed.

# The release is set up in the payload's own shell, so that nothing it does (functions, cd, set -e) reaches the wrapper.
# The file $ready says that it got that far.
compose_script() {
  script=$command
  [ -z "$setup" ] || script="command -v source >/dev/null || source() { . \"\$@\"; }
$setup
dflow_status=\$?
[ \$dflow_status = 0 ] || exit \$dflow_status
: >"\$DFLOW_READY"
$command"
}

# Runs in a child of its own, which becomes the payload: one process, not two.
launch() {
  cd "$work" || exit 74
  export DFLOW_EXECUTION="$execution"
  [ -z "$setup" ] || export DFLOW_READY="$ready"
  # Its heartbeat is this wrapper's alone to end.
  unset DFLOW_BEAT
  # Not as a word of the command line, which everybody on this machine can read.
  export DFLOW_SCRIPT="$script"
  set -- sh -c 'dflow_script=$DFLOW_SCRIPT; unset DFLOW_SCRIPT; eval "$dflow_script"' sh
  [ -z "$usage" ] || set -- /usr/bin/time -f %M -o "$usage" "$@"
  # timeout comes first: it passes signals on, to a process group of its own.
  [ "$limit" = 0 ] || set -- timeout -k 10 "$limit" "$@"
  with_inputs become "$@"
}

# The job's environment comes last: it may have names that are variables here.
become() {
  set_env
  exec "$@"
}

run_payload() {
  # Measuring memory takes one more process (GNU time), so only a job that asks for an amount of memory pays for it.
  [ -z "$memory" ] || [ ! -x /usr/bin/time ] || [ ! -r /proc/$$/stat ] || usage=$work.rss
  [ "$limit" = 0 ] || command -v timeout >/dev/null || finish setup 127 'no command timeout: the limit cannot be kept'
  compose_script
  read_clock
  launched=$clock
  launch &
  child=$!
  wait "$child"
  code=$?
  child=
  [ $code != 0 ] || return 0
  [ -z "$setup" ] || [ -e "$ready" ] || finish setup $code "software set-up ended with exit $code"
  read_clock
  if [ "$limit" != 0 ] && [ $((clock - launched)) -ge $((limit * 100)) ]; then
    case $code in 124 | 137) finish payload $code "ran past its limit of $limit s" ;; esac
  fi
  case $code in
    126) finish payload $code 'exit 126: a command is not executable' ;;
    127) finish payload $code 'exit 127: command not found' ;;
  esac
  if [ $code -gt 128 ]; then finish payload $code "exit $code: killed by signal $((code - 128))"; fi
  finish payload $code "exit $code"
}
