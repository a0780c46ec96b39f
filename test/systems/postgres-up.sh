#!/usr/bin/env bash
# A PostgreSQL server of its own, loopback only: postgres-up.sh FOLDER PORT [-c SETTING=VALUE]...
# Made where FOLDER is empty: superuser dflow, password `pass word/%@`, which has what must be encoded in a URL.
# Without PORT: what listens is left alone and nothing is started, so suites may be run on a server of one's own.
set -euo pipefail
[ $# -ge 2 ] || exit 0
dir=$1 port=$2
shift 2
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
# The server refuses to run as root.
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
[ "$(id -u)" != 0 ] || { mkdir -p "$dir"; chown postgres "$dir"; }
cd /
if ! as test -s "$dir/data/PG_VERSION"; then
  printf '%s\n' 'pass word/%@' | as tee "$dir/pw" >/dev/null
  as "$bin/initdb" -D "$dir/data" -A scram-sha-256 -U dflow --pwfile="$dir/pw" -E UTF8 --locale=C.UTF-8 -N >/dev/null
  printf '%s\n' 'host replication all 127.0.0.1/32 scram-sha-256' | as tee -a "$dir/data/pg_hba.conf" >/dev/null
fi
# Without fsync a killed server loses nothing; only a power cut would tell the difference.
as "$bin/pg_ctl" -D "$dir/data" -w -t 120 -l "$dir/log" \
  -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= -c fsync=off -c max_connections=60 $*" start >/dev/null || {
  tail -20 "$dir/log" >&2
  exit 1
}
