#!/usr/bin/env bash
# Installs what the suites of mounts need and is missing, as root: bindfs shows a folder through another file system.
set -euo pipefail
command -v bindfs >/dev/null && exit 0
export DEBIAN_FRONTEND=noninteractive
echo 'installing bindfs'
apt-get update -qq
apt-get install -y -qq --no-install-recommends bindfs fuse3 >/dev/null
