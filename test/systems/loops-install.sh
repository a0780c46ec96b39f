#!/usr/bin/env bash
# Installs what keeps loops running, and is missing, as root: tmux, a cron daemon, systemd's checker of units.
set -euo pipefail
missing=()
command -v tmux >/dev/null || missing+=(tmux)
command -v cron >/dev/null || missing+=(cron)
command -v systemd-analyze >/dev/null || missing+=(systemd)
[ ${#missing[@]} -gt 0 ] || exit 0
export DEBIAN_FRONTEND=noninteractive
echo "installing ${missing[*]}"
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
