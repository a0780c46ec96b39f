# The end: every way out leads through here, and leaves a record.

# finish PHASE EXIT REASON: writes the record and ends. The record comes last, when nothing of this start is left.
finish() {
  trap '' TERM INT HUP
  # The heartbeat of whoever started this wrapper, where there is one.
  [ -z "${DFLOW_BEAT-}" ] || kill "$DFLOW_BEAT" 2>/dev/null
  # Who has no supervisor that does it, or ends badly, ends what is left of the payload here.
  { [ "$1" = done ] && [ -z "${DFLOW_BEAT-}" ]; } || end_rest
  read_clock
  in_seconds $((clock - began))
  record="dflow-record 1${nl}key $key${nl}execution $execution${nl}phase $1${nl}exit $2${nl}wall $text$nl"
  if [ "$2" -gt 128 ] && [ "$2" -lt 193 ]; then record="${record}signal $(($2 - 128))$nl"; fi
  one_line "$3"
  record="${record}host $host${nl}reason $line$nl"
  # A pass of a lost store is known by its outputs, which do not say their version.
  [ -z "${version-}" ] || record="${record}version $version$nl"
  add_cpu
  add_rss
  if [ "$1" = done ]; then record=$record$lines; else add_tail; fi
  # Only a record that says `done` names its upload; otherwise it is nobody's and goes as well.
  [ "$1" != done ] || to='' far=''
  [ -z "$far" ] || drop_far
  cd /
  rm -rf -- "$work" ${setup:+"$ready"} ${usage:+"$usage"} ${to:+"$to"}
  name=$key
  [ "$mode" = once ] || name=$key.$execution
  printf '%send %s\n' "$record" "$key" >"$spool/result/tmp/$name" || {
    echo "wrapper: cannot write the result record of $key" >&2
    exit 74
  }
  exec mv -f -- "$spool/result/tmp/$name" "$spool/result/new/$name"
}

# Kills what the payload has started in sessions of its own: all of it has inherited the mark of this execution. Twice,
# for what was just being started.
end_rest() {
  [ -n "$launched" ] && [ -r /proc/$$/environ ] || return 0
  set +f
  for _ in 1 2; do
    for rest in $(grep -ls "DFLOW_EXECUTION=$execution" /proc/[0-9]*/environ 2>/dev/null); do
      rest=${rest#/proc/}
      kill -KILL "${rest%/environ}" 2>/dev/null
    done
  done
  set -f
}

# CPU time of all children: fields 16 and 17, in hundredths of a second on every Linux. Elsewhere it is left out.
add_cpu() {
  read -r stat 2>/dev/null </proc/$$/stat || return 0
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  in_seconds $((${14} + ${15}))
  record="${record}cpu $text$nl"
}

# Largest resident set, KiB; the last line, after one about the exit code.
add_rss() {
  [ -n "$usage" ] && [ -s "$usage" ] || return 0
  while read -r line; do rss=$line; done <"$usage"
  case $rss in '' | *[!0-9]*) ;; *) record="${record}rss $rss$nl" ;; esac
}

# The log's last lines, from which a failure's cause is recognised.
add_tail() {
  [ -n "$log" ] && [ -f "$log" ] || return 0
  last=$(tail -c 2048 -- "$log" | tail -n 20)$nl
  while [ -n "$last" ]; do
    record="${record}tail ${last%%"$nl"*}$nl"
    last=${last#*"$nl"}
  done
}

# A signal from the batch system or an operator: the payload ends first, then the record is written.
stopped() {
  trap '' TERM INT HUP
  if [ -n "$child" ]; then
    kill -TERM "$child" 2>/dev/null
    # The payload's own children, when this process group is ours alone.
    [ "$group" != "$$" ] || kill -TERM 0
    patience=30
    while [ $patience -gt 0 ] && kill -0 "$child" 2>/dev/null; do
      sleep 0.1
      patience=$((patience - 1))
    done
    kill -KILL "$child" 2>/dev/null
  fi
  finish killed $((128 + $1)) "stopped by signal $2"
}
