#!/usr/bin/env bash
# Real S3 servers on loopback, without systemd. Idempotent: what is up stays up.
#   s3-up.sh [rclone] [versitygw]     default: both; ports 22900 and 22901, bucket dflow
# Objects of rclone are files below $DFLOW_SYSTEMS/s3/rclone/data, those of versitygw below .../versitygw/data.
set -euo pipefail
S=${DFLOW_SYSTEMS:-/opt/dflow-systems}/s3
export ROOT_ACCESS_KEY=dflow-access-key ROOT_SECRET_KEY=dflow-secret-key
# Of rclone: in no command line, where a suite looks for secrets.
export RCLONE_AUTH_KEY="\"$ROOT_ACCESS_KEY,$ROOT_SECRET_KEY\""
[ -n "${DFLOW_LOCKED-}" ] || { install -d "$S" && DFLOW_LOCKED=1 exec flock -o "$S/lock" bash "$0" "$@"; }

start() { # NAME PORT COMMAND...
  local name=$1 port=$2
  shift 2
  local pid
  pid=$(cat "$S/$name/pid" 2>/dev/null || true)
  if [ -z "$pid" ] || ! [ -d "/proc/$pid" ] || ! grep -qa "$name" "/proc/$pid/cmdline"; then
    mkdir -p "$S/$name/data/dflow"
    setsid "$@" >>"$S/$name/log" 2>&1 </dev/null &
    echo $! >"$S/$name/pid"
  fi
  for _ in $(seq 150); do
    curl -s -m 2 -o /dev/null "http://127.0.0.1:$port/" && return 0
    sleep 0.2
  done
  tail -n 20 "$S/$name/log" >&2
  echo "$name did not start" >&2
  return 1
}

for name in ${*:-rclone versitygw}; do
  case $name in
    rclone) start rclone 22900 "$S/venv/bin/rclone" serve s3 --addr 127.0.0.1:22900 "$S/rclone/data" ;;
    versitygw) start versitygw 22901 "$S/bin/versitygw" --quiet --port 127.0.0.1:22901 posix "$S/versitygw/data" ;;
    *) echo "no such server: $name" >&2; exit 2 ;;
  esac
done
