#!/usr/bin/env bash
# Ganga has no daemon: up means installed. The last line says where it is.
set -euo pipefail
bash "$(dirname "$0")/ganga-install.sh"
echo "DFLOW_TEST_GANGA=${DFLOW_TEST_CACHE:-/var/cache/dflow-test}/ganga-venv/bin/ganga"
