#!/usr/bin/env bash
# Installs what the Slurm suites need and is missing, as root. Packages are kept in apt's cache between runs.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
need=()
for package in munge slurmctld slurmd slurm-client slurmdbd mariadb-server mariadb-client libfaketime; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || need+=("$package")
done
[ ${#need[@]} -eq 0 ] && exit 0
echo "installing ${need[*]}"
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
