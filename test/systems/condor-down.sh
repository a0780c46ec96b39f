#!/usr/bin/env bash
# Ends the pool that condor-up.sh started (condor_master ends its own children). UMOUNT=1: takes the mounts off, too.
set -u
BASE=${DFLOW_SYSTEMS:-/opt/dflow-systems}
ROOT=$BASE/condor/root
file=$ROOT/var/lib/pool/run/master.pid
if [ -s "$file" ]; then
  pid=$(cat "$file")
  if grep -qa condor_master "/proc/$pid/cmdline" 2>/dev/null; then
    # QUIT is fast; TERM would wait for the jobs.
    kill -QUIT "$pid"
    for _ in $(seq 300); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    [ ! -d "/proc/$pid" ] || { echo "condor_master ($pid) did not end: KILL"; kill -9 "$pid"; }
  fi
  rm -f "$file"
fi
[ -n "${UMOUNT:-}" ] || exit 0
awk -v root="$ROOT/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r |
  while read -r folder; do umount -l "$folder"; done
