#!/usr/bin/env bash
# Writes the configuration of a Rucio server into a folder: rucio-config.sh FOLDER PORT
set -euo pipefail
dir=$1 port=$2
venv=${DFLOW_TEST_CACHE:-/var/cache/dflow-test}/rucio-venv
mkdir -p "$dir"/{etc,log,trace}
cat >"$dir/etc/rucio.cfg" <<CFG
[common]
logdir = $dir/log
loglevel = WARNING
[client]
rucio_host = http://127.0.0.1:$port
auth_host = http://127.0.0.1:$port
auth_type = userpass
username = shifter
password = pass-word.of.rucio
account = root
[database]
default = sqlite:///$dir/rucio.db
[bootstrap]
userpass_identity = shifter
userpass_pwd = pass-word.of.rucio
userpass_email = nobody@localhost
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = identity
support = nobody
[cache]
use_external_for_auth_tokens = False
[api]
endpoints = accounts, accountlimits, archives, auth, config, credentials, dids, export, heartbeats, identities, import, lifetime_exceptions, locks, meta_conventions, metrics, ping, redirect, replicas, requests, rses, rules, scopes, subscriptions, traces, vos
[alembic]
cfg = $dir/etc/alembic.ini
[trace]
tracedir = $dir/trace
brokers = localhost
port = 61013
topic = /topic/none
username = none
password = none
CFG
repo=$(echo "$venv"/lib/python3*/site-packages/rucio/db/sqla/migrate_repo)
cat >"$dir/etc/alembic.ini" <<INI
[alembic]
script_location = $repo
sqlalchemy.url = sqlite:///$dir/rucio.db
[loggers]
keys = root
[handlers]
keys = stderr
[formatters]
keys = plain
[logger_root]
level = WARNING
handlers = stderr
[handler_stderr]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = %(message)s
INI
