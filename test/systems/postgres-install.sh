#!/usr/bin/env bash
# Installs what the PostgreSQL suites need and is missing, as root. No cluster is made or started.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
need=()
for package in postgresql-15 pgbouncer; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || need+=("$package")
done
[ ${#need[@]} -eq 0 ] && exit 0
echo "installing ${need[*]}"
apt-get update -qq
install -d /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${need[@]}" >/dev/null
