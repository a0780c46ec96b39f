#!/usr/bin/env bash
# Installs Ganga from PyPI into a virtual environment of its own, kept between runs. No root needed. Idempotent.
set -euo pipefail
VENV=${DFLOW_TEST_CACHE:-/var/cache/dflow-test}/ganga-venv
# `ganga` comes last: where it is, all of it is.
[ -x "$VENV/bin/ganga" ] && exit 0
command -v python3 >/dev/null || { export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; apt-get install -y -qq python3 python3-venv >/dev/null; }
echo "installing ganga into $VENV"
rm -rf "$VENV"
mkdir -p "$(dirname "$VENV")"
python3 -m venv "$VENV"
"$VENV/bin/pip" install --quiet --no-input --disable-pip-version-check ganga
