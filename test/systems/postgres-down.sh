#!/usr/bin/env bash
# Ends the server of postgres-up.sh by its pid file: postgres-down.sh FOLDER [fast|immediate]. SIGNAL=KILL: at once, with
# its children, as a crash of the machine does.
set -u
[ $# -ge 1 ] || exit 0
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
cd /
pid=$(head -1 "$1/data/postmaster.pid" 2>/dev/null) || exit 0
# Killed already: its file is left.
[ -d "/proc/$pid" ] && grep -qa postgres "/proc/$pid/cmdline" || exit 0
[ "${SIGNAL:-}" != KILL ] || {
  children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
  kill -9 "$pid" $children 2>/dev/null
  for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.05; done
  exit 0
}
if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$bin/pg_ctl" -D "$1/data" -w -m "${2:-immediate}" stop >/dev/null
else "$bin/pg_ctl" -D "$1/data" -w -m "${2:-immediate}" stop >/dev/null; fi
