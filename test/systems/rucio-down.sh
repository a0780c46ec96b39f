#!/usr/bin/env bash
# Ends the server of rucio-up.sh by its pid file, with its workers: rucio-down.sh FOLDER. SIGNAL=KILL: as a crash does.
set -u
[ $# -ge 1 ] || exit 0
pid=$(cat "$1/pid" 2>/dev/null) || exit 0
[ -d "/proc/$pid" ] && grep -qa gunicorn "/proc/$pid/cmdline" || exit 0
children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
kill "-${SIGNAL:-KILL}" "$pid" $children 2>/dev/null
for _ in $(seq 200); do
  left=
  for one in $pid $children; do [ -d "/proc/$one" ] && left=yes; done
  [ -n "$left" ] || break
  sleep 0.05
done
exit 0
