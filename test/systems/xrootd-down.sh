#!/usr/bin/env bash
# Ends what xrootd-up.sh started, each by its pid file: xrootd-down.sh [a] [b] [full], default all. SIGNAL=KILL: at once.
set -u
X=${DFLOW_SYSTEMS:-/opt/dflow-systems}/xrootd
for name in ${*:-a b full}; do
  file=$X/$name/xrootd.pid
  if [ -s "$file" ]; then
    pid=$(cat "$file")
    if [ -d "/proc/$pid" ] && grep -qa xrootd "/proc/$pid/cmdline"; then
      kill -"${SIGNAL:-TERM}" "$pid"
      for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
      [ ! -d "/proc/$pid" ] || kill -9 "$pid"
    fi
    rm -f "$file"
  fi
  [ "$name" != full ] || ! grep -q " $X/full/data tmpfs " /proc/mounts || umount -l "$X/full/data"
done
exit 0
