#!/usr/bin/env bash
# Installs Debian's Chromium, which the pages of dflow are looked at with. Idempotent.
set -euo pipefail
command -v chromium >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
echo "installing chromium"
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
