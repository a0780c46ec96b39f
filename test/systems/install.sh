#!/usr/bin/env bash
# Installs what the suites on real systems need (apt, as root): install.sh [SYSTEM...], default all. Starts nothing.
set -uo pipefail
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || { echo 'test:systems: must be root (it installs packages and starts daemons as their users)' >&2; exit 2; }
[ $# -gt 0 ] || set -- $(ls ./*-install.sh | sed 's#^\./##; s/-install.sh//')
for system in "$@"; do
  bash "$system-install.sh" || { echo "test:systems: $system could not be installed" >&2; exit 1; }
done
