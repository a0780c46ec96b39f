#!/usr/bin/env bash
# Installs a mail server (aiosmtpd) and Prometheus' own parser from PyPI into a virtual environment. Idempotent.
set -euo pipefail
VENV=${DFLOW_TEST_CACHE:-/var/cache/dflow-test}/watching-venv
[ -e "$VENV/complete" ] && exit 0
python3 -c 'import ensurepip' 2>/dev/null || { export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; apt-get install -y -qq python3 python3-venv >/dev/null; }
echo "installing aiosmtpd and prometheus_client into $VENV"
rm -rf "$VENV"
mkdir -p "$(dirname "$VENV")"
python3 -m venv "$VENV"
"$VENV/bin/pip" install --quiet --no-input --disable-pip-version-check aiosmtpd==1.4.6 prometheus_client==0.26.0
touch "$VENV/complete"
