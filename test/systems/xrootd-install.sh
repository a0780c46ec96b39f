#!/usr/bin/env bash
# Installs what the XRootD and gfal suites need and is missing, as root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
need=()
for package in gcc libc6-dev openssl xrootd-server xrootd-client xrootd-plugins xrootd-server-plugins gfal2 gfal2-plugin-file gfal2-plugin-xrootd \
  gfal2-plugin-http python3-gfal2 python3-gfal2-util python3-xrootd gfal2-util-scripts; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || need+=("$package")
done
[ ${#need[@]} -eq 0 ] && exit 0
echo "installing ${need[*]}"
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
