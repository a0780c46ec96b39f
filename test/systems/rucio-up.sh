#!/usr/bin/env bash
# A Rucio server of its own, loopback only, SQLite behind it: rucio-up.sh FOLDER PORT. An empty one where FOLDER is empty.
# Without PORT nothing is started: each suite has a server of its own.
set -euo pipefail
[ $# -ge 2 ] || exit 0
here=$(cd "$(dirname "$0")" && pwd)
dir=$1 port=$2
cache=${DFLOW_TEST_CACHE:-/var/cache/dflow-test}
mkdir -p "$dir"
[ -s "$dir/rucio.db" ] || cp "$cache/rucio-empty.db" "$dir/rucio.db"
bash "$here/rucio-config.sh" "$dir" "$port"
answers() { curl -fsS -m 5 "http://127.0.0.1:$port/ping" >/dev/null 2>&1; }
rm -f "$dir/pid"
(cd "$dir" && RUCIO_HOME=$dir PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 exec setsid "$cache/rucio-venv/bin/gunicorn" \
  -w 1 --threads 4 -t 300 -b "127.0.0.1:$port" --pid "$dir/pid" --no-control-socket rucio_behind_apache:application \
  >>"$dir/log/server.log" 2>&1 </dev/null) &
started=$!
# Minutes on a machine that has much else to do.
for _ in $(seq 400); do
  answers && exit 0
  [ -d "/proc/$started" ] || break
  sleep 1
done
tail -20 "$dir/log/server.log" >&2
exit 1
