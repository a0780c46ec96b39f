#!/usr/bin/env bash
# Ends the WebDAV servers that webdav-up.sh started: webdav-down.sh [rclone] [apache]. SIGNAL=KILL: at once. Files stay.
set -uo pipefail
S=${DFLOW_SYSTEMS:-/opt/dflow-systems}/webdav
for name in ${*:-rclone apache}; do
  pid=$(cat "$S/$name/pid" 2>/dev/null) || continue
  # Apache's children end with it; killed, they would go on.
  children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
  grep -qa "$name" "/proc/$pid/cmdline" 2>/dev/null && kill -"${SIGNAL:-TERM}" "$pid"
  [ "${SIGNAL:-TERM}" != KILL ] || for child in $children; do kill -KILL "$child" 2>/dev/null; done
  for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
  rm -f "$S/$name/pid"
done
