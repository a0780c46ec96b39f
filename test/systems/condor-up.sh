#!/usr/bin/env bash
# A real one-node HTCondor pool on this machine, loopback only, as root, without systemd. Idempotent: what is up stays up.
# It runs in the folder that condor-install.sh made, as the ordinary user dflowtest (root may not submit).
#   BINDS="/tmp /data"  folders seen at the same path inside; default: the temporary folder
#   CPUS=16             pretended processors
# The last line says what to set: PATH=.../bin:$PATH has wrappers of the condor_ commands that run inside, as that user.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
BASE=${DFLOW_SYSTEMS:-/opt/dflow-systems}
ROOT=$BASE/condor/root
BIN=$BASE/condor/bin
POOL=/var/lib/pool
CPUS=${CPUS:-16}
TEMP=${TMPDIR:-/tmp}
BINDS=${BINDS:-${TEMP%/}}
U=dflowtest
[ -e "$ROOT/.complete" ] || { echo 'run condor-install.sh first' >&2; exit 1; }

mounted() { grep -q " $1 " /proc/mounts; }
# HTCondor needs /proc, /dev and /sys. Slaves: unmounting them here unmounts nothing outside.
mounted "$ROOT/proc" || mount -t proc proc "$ROOT/proc"
for folder in dev sys; do
  mounted "$ROOT/$folder" || { mount --rbind "/$folder" "$ROOT/$folder" && mount --make-rslave "$ROOT/$folder"; }
done
for folder in $BINDS; do
  mounted "$ROOT$folder" || { mkdir -p "$ROOT$folder" && mount --bind "$folder" "$ROOT$folder"; }
done
cp -L /etc/hosts /etc/hostname "$ROOT/etc/"

install -d -o $U -g $U "$ROOT$POOL" "$ROOT$POOL"/{log,spool,execute,lock,run}
# This machine's Node for payloads that are written in it, as the demo's are; HTCondor and dflow need none there.
node=$(readlink -f "$(command -v node)")
if ! mounted "$ROOT/usr/local/bin/node"; then
  touch "$ROOT/usr/local/bin/node"
  mount --bind "$node" "$ROOT/usr/local/bin/node"
fi

cat >"$ROOT$POOL/condor_config.new" <<X
RELEASE_DIR = /usr
LOCAL_DIR = $POOL
LOG = $POOL/log
SPOOL = $POOL/spool
EXECUTE = $POOL/execute
LOCK = $POOL/lock
RUN = $POOL/run
BIN = /usr/bin
SBIN = /usr/sbin
LIB = /usr/lib/condor
LIBEXEC = /usr/libexec/condor
SHARE = /usr/share/condor
ETC = $POOL
use ROLE:Personal
use POLICY:Always_Run_Jobs
CONDOR_HOST = 127.0.0.1
COLLECTOR_HOST = 127.0.0.1:29618
NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
ENABLE_IPV6 = False
FULL_HOSTNAME = localhost
NO_DNS = True
DEFAULT_DOMAIN_NAME = localdomain
UID_DOMAIN = localdomain
TRUST_UID_DOMAIN = True
FILESYSTEM_DOMAIN = localdomain
DAEMON_LIST = MASTER COLLECTOR NEGOTIATOR SCHEDD STARTD
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_CLIENT_AUTHENTICATION = REQUIRED
SEC_READ_AUTHENTICATION = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS
SEC_CLIENT_AUTHENTICATION_METHODS = FS
ALLOW_READ = $U@*
ALLOW_WRITE = $U@*
ALLOW_ADMINISTRATOR = $U@*
ALLOW_DAEMON = $U@* condor@*
ALLOW_NEGOTIATOR = $U@* condor@*
CREATE_CORE_FILES = False
NUM_CPUS = $CPUS
MEMORY = 8192
NUM_SLOTS = 1
NUM_SLOTS_TYPE_1 = 1
SLOT_TYPE_1 = 100%
SLOT_TYPE_1_PARTITIONABLE = True
RUNBENCHMARKS = False
JOB_DEFAULT_REQUESTMEMORY = 64
JOB_DEFAULT_REQUESTDISK = 1024
# Everything that a pool does by the minute is done by the second.
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_CYCLE_DELAY = 1
NEGOTIATOR_MIN_INTERVAL = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
UPDATE_INTERVAL = 5
PERIODIC_EXPR_INTERVAL = 2
MAX_PERIODIC_EXPR_INTERVAL = 4
SHADOW_QUEUE_UPDATE_INTERVAL = 2
STARTER_UPDATE_INTERVAL = 2
STARTER_INITIAL_UPDATE_INTERVAL = 2
PROCD_MAX_SNAPSHOT_INTERVAL = 2
JOB_START_DELAY = 0
MAX_JOBS_RUNNING = 1000
X
# Another configuration is another pool: what runs with the old one ends first.
cmp -s "$ROOT$POOL/condor_config.new" "$ROOT$POOL/condor_config" || bash "$(dirname "$0")/condor-down.sh"
mv "$ROOT$POOL/condor_config.new" "$ROOT$POOL/condor_config"
chmod 644 "$ROOT$POOL/condor_config"

# Runs inside as the user, in the caller's folder if that is seen there.
inside="chroot --userspec=$U:$U $ROOT /usr/bin/env -i HOME=/home/$U USER=$U LOGNAME=$U PATH=/usr/bin:/bin:/usr/sbin LANG=C.UTF-8 CONDOR_CONFIG=$POOL/condor_config"
mkdir -p "$BIN"
for program in "$ROOT"/usr/bin/condor_*; do
  name=${program##*/}
  cat >"$BIN/$name.new" <<X
#!/bin/sh
exec $inside /bin/sh -c 'cd "\$0" 2>/dev/null || cd /; exec "\$@"' "\$PWD" $name "\$@"
X
  chmod 755 "$BIN/$name.new"
  mv "$BIN/$name.new" "$BIN/$name"
done

alive() {
  local pid
  [ -s "$1" ] && pid=$(cat "$1") && grep -qa condor_master "/proc/$pid/cmdline" 2>/dev/null
}
if ! alive "$ROOT$POOL/run/master.pid"; then
  rm -f "$ROOT$POOL"/log/.*_address "$ROOT$POOL"/log/.*.classad
  $inside /usr/sbin/condor_master -pidfile $POOL/run/master.pid </dev/null >/dev/null 2>&1
fi
for _ in $(seq 300); do
  if [ -n "$("$BIN/condor_status" -af Name 2>/dev/null)" ] && "$BIN/condor_q" >/dev/null 2>&1; then
    echo "PATH=$BIN:\$PATH"
    exit 0
  fi
  sleep 0.1
done
tail -n 20 "$ROOT$POOL/log/MasterLog" "$ROOT$POOL/log/SchedLog" >&2 || true
echo 'the pool did not start' >&2
exit 1
