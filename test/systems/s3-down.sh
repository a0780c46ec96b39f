#!/usr/bin/env bash
# Ends the S3 servers that s3-up.sh started: s3-down.sh [rclone] [versitygw]. SIGNAL=KILL: at once. Files stay.
set -uo pipefail
S=${DFLOW_SYSTEMS:-/opt/dflow-systems}/s3
for name in ${*:-rclone versitygw}; do
  pid=$(cat "$S/$name/pid" 2>/dev/null) || continue
  grep -qa "$name" "/proc/$pid/cmdline" 2>/dev/null && kill -"${SIGNAL:-TERM}" "$pid"
  for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
  rm -f "$S/$name/pid"
done
