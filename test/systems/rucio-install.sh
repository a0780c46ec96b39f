#!/usr/bin/env bash
# Installs a Rucio server from PyPI into a virtual environment of its own, kept between runs, and makes the empty database
# that each server of a suite begins with. No root needed. Idempotent.
set -euo pipefail
cache=${DFLOW_TEST_CACHE:-/var/cache/dflow-test}
venv=$cache/rucio-venv
# `rucio-empty.db` comes last: where it is, all of it is.
[ -s "$cache/rucio-empty.db" ] && exit 0
command -v python3 >/dev/null || { export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; apt-get install -y -qq python3 python3-venv >/dev/null; }
echo "installing rucio into $venv"
rm -rf "$venv"
mkdir -p "$cache"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --no-input --disable-pip-version-check 'rucio==41.5.1' gunicorn
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash "$(dirname "$0")/rucio-config.sh" "$work" 1
RUCIO_HOME=$work "$venv/bin/python" - >"$work/boot.log" 2>&1 <<'PY' || { tail -20 "$work/boot.log" >&2; exit 1; }
from rucio.db.sqla.util import build_database, create_base_vo, create_root_account
build_database(); create_base_vo(); create_root_account()
from rucio.common.types import InternalAccount
from rucio.core.account import add_account_attribute
from rucio.core.identity import add_account_identity, add_identity
from rucio.db.sqla.constants import DatabaseOperationType, IdentityType
from rucio.db.sqla.session import db_session
root = InternalAccount('root')
with db_session(DatabaseOperationType.WRITE) as session:
    add_account_attribute(account=root, key='admin', value=True, session=session)
    # As a proxy of this name logs in.
    add_identity('/CN=dflow test', IdentityType.X509, email='nobody@localhost', session=session)
    add_account_identity('/CN=dflow test', IdentityType.X509, root, email='nobody@localhost', session=session)
PY
mv "$work/rucio.db" "$cache/rucio-empty.db"
