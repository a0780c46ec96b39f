#!/usr/bin/env bash
# A real one-node Slurm on this machine, loopback only, as root, without systemd. Idempotent: what is up stays up.
#   SLURM_DBD=1  cluster `test`: mariadb + slurmdbd, so that sacct answers; memory limits by cgroup v1 where it is mounted
#   SLURM_DBD=0  cluster `nodbd`: no accounting but jobcomp/filetxt, forgets jobs after 5 s, arrays of at most 100 tasks
#   SLURM_DBD=full  cluster `full`: at most three jobs in the queue for root, by an association's limit (slurmdbd of `test`);
#                   a node that is silent for 5 s is down
# All may be up at once. The last line says what to set: SLURM_CONF=...
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
"$(dirname "$(readlink -f "$0")")/slurm-install.sh"
DBD=${SLURM_DBD:-1}
BASE=${DFLOW_SYSTEMS:-/opt/dflow-systems}
HOST=$(hostname -s)
CPUS=${CPUS:-16}
case $DBD in
  1) NAME=test PORT=6817 FIRST=1 AGE=300 ARRAY=20001 AWAY=30 ;;
  full) NAME=full PORT=6837 FIRST=800000 AGE=300 ARRAY=20001 AWAY=5 ;;
  *) NAME=nodbd PORT=6827 FIRST=500000 AGE=5 ARRAY=101 AWAY=30 ;;
esac
[ "$DBD" != full ] || SLURM_DBD=1 "$(readlink -f "$0")" >/dev/null
S=$BASE/slurm-$NAME
R=$BASE/slurm-run
export SLURM_CONF=$S/etc/slurm.conf

# alive PIDFILE NAME: the process is there and is still that program.
alive() {
  local pid
  [ -s "$1" ] && pid=$(cat "$1") && [ -d "/proc/$pid" ] && grep -qa "$2" "/proc/$pid/cmdline"
}
wait_for() {
  for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
  echo "gave up waiting for: $*" >&2
  return 1
}

# The host's own short name must resolve to loopback: Slurm and munge look it up.
getent hosts "$HOST" >/dev/null || echo "127.0.0.1 $HOST" >>/etc/hosts
chmod 755 "$(mkdir -p "$BASE" && echo "$BASE")"
install -d -m 755 "$R" /etc/munge
chown munge:munge /etc/munge
install -d -o munge -g munge -m 755 /run/munge
install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge
[ -s /etc/munge/munge.key ] || runuser -u munge -- mungekey -c -k /etc/munge/munge.key
alive /run/munge/munged.pid munged || runuser -u munge -- munged
wait_for bash -c 'munge -n </dev/null | unmunge'

install -d -o slurm -g slurm -m 755 "$S" "$S/ctld" "$S/log" "$S/etc"
install -d -m 755 "$S/d"

if [ "$DBD" = 1 ]; then
  # mariadb by its socket only, with a data folder of its own.
  install -d -o mysql -g mysql -m 755 "$R/mysql"
  [ -d "$R/mysql/mysql" ] || mariadb-install-db --no-defaults --user=mysql --datadir="$R/mysql" >/dev/null
  if ! alive "$R/mysql/mysqld.pid" mariadbd; then
    setsid mariadbd --no-defaults --user=mysql --datadir="$R/mysql" --socket="$R/mysql/mysqld.sock" \
      --pid-file="$R/mysql/mysqld.pid" --skip-networking --innodb-buffer-pool-size=128M \
      --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=2 >"$R/mariadbd.log" 2>&1 </dev/null &
  fi
  sql="mariadb --no-defaults -S $R/mysql/mysqld.sock"
  wait_for $sql -e 'select 1'
  $sql -e "create database if not exists slurm_acct_db;
    create user if not exists slurm@localhost identified by 'slurmpw'; grant all on slurm_acct_db.* to slurm@localhost"
  cat >"$S/etc/slurmdbd.conf" <<X
AuthType=auth/munge
DbdHost=$HOST
DbdAddr=127.0.0.1
CommunicationParameters=NoInAddrAny
SlurmUser=slurm
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurmpw
StorageLoc=slurm_acct_db
LogFile=$S/log/slurmdbd.log
PidFile=$S/slurmdbd.pid
X
  # slurmdbd refuses any other mode or owner.
  chown slurm:slurm "$S/etc/slurmdbd.conf"
  chmod 600 "$S/etc/slurmdbd.conf"
  accounting="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=$HOST
AccountingStoreFlags=job_comment"
elif [ "$DBD" = full ]; then
  accounting="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=$HOST
AccountingStorageEnforce=associations,limits
AccountingStoreFlags=job_comment"
else
  accounting="JobCompType=jobcomp/filetxt
JobCompLoc=$S/log/jobcomp.txt"
fi

# Real memory limits (state OUT_OF_MEMORY) need cgroups; elsewhere Slurm polls and kills with signal 9. One cluster only:
# two would share the folders of equal job ids.
if [ "$DBD" = 1 ] && [ -w /sys/fs/cgroup/memory/tasks ] && [ -w /sys/fs/cgroup/freezer/tasks ]; then
  limits="ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
JobAcctGatherParams=NoOverMemoryKill"
  cat >"$S/etc/cgroup.conf" <<X
CgroupPlugin=cgroup/v1
CgroupMountpoint=/sys/fs/cgroup
CgroupAutomount=no
ConstrainCores=no
ConstrainRAMSpace=yes
ConstrainSwapSpace=yes
AllowedSwapSpace=0
X
else
  limits="ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherParams=OverMemoryKill"
  rm -f "$S/etc/cgroup.conf"
fi

cat >"$S/etc/slurm.conf.new" <<X
ClusterName=$NAME
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
SlurmdPort=$((PORT + 1))
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$S/ctld
SlurmdSpoolDir=$S/d
SlurmctldPidFile=$S/slurmctld.pid
SlurmdPidFile=$S/slurmd.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/slurmd.log
$limits
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=$AWAY
KillWait=2
UnkillableStepTimeout=30
MinJobAge=$AGE
MaxArraySize=$ARRAY
MaxJobCount=50000
FirstJobId=$FIRST
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=5,default_queue_depth=1000
PriorityType=priority/basic
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
DefMemPerCPU=64
$accounting
SlurmdParameters=config_overrides
NodeName=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 1)) CPUs=$CPUS RealMemory=24000 State=UNKNOWN
PartitionName=main Nodes=$HOST Default=YES MaxTime=INFINITE DefaultTime=60 State=UP PriorityTier=10
PartitionName=scavenge Nodes=$HOST MaxTime=INFINITE DefaultTime=60 State=UP PriorityTier=1 PreemptMode=CANCEL
X
changed=no
cmp -s "$S/etc/slurm.conf.new" "$S/etc/slurm.conf" || changed=yes
mv "$S/etc/slurm.conf.new" "$S/etc/slurm.conf"
# Another configuration is another cluster: what runs with the old one ends first.
[ $changed = no ] || SLURM_ONLY=1 SLURM_DBD=$DBD "$(dirname "$(readlink -f "$0")")/slurm-down.sh"

cd /
if [ "$DBD" = 1 ]; then
  alive "$S/slurmdbd.pid" slurmdbd || runuser -u slurm -- env MYSQL_UNIX_PORT="$R/mysql/mysqld.sock" slurmdbd
  wait_for sacctmgr -n show cluster
  sacctmgr -n show cluster format=cluster | grep -qw "$NAME" || sacctmgr -i -Q add cluster "$NAME" >/dev/null || true
fi
if [ "$DBD" = full ]; then
  sacctmgr -n show cluster format=cluster | grep -qw "$NAME" || sacctmgr -i -Q add cluster "$NAME" >/dev/null || true
  sacctmgr -i -Q modify user root where cluster="$NAME" set MaxSubmitJobs=3 >/dev/null || true
fi
alive "$S/slurmctld.pid" slurmctld || runuser -u slurm -- slurmctld
wait_for bash -c 'scontrol ping | grep -q "is UP"'
alive "$S/slurmd.pid" slurmd || slurmd -N "$HOST"
ready() { sinfo -h -n "$HOST" -o %T | grep -qE '^(idle|mixed|allocated)$'; }
wait_for ready || { scontrol update nodename="$HOST" state=resume; wait_for ready; }
echo "SLURM_CONF=$SLURM_CONF"
