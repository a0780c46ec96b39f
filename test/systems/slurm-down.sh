#!/usr/bin/env bash
# Ends what slurm-up.sh started, each by its pid file. SLURM_DBD=0|1|full: only that cluster; default all, and munge, mariadb.
# SLURM_ONLY=1: Slurm's own daemons only.
set -u
BASE=${DFLOW_SYSTEMS:-/opt/dflow-systems}

# stop PIDFILE NAME: only while the process is still that program.
stop() {
  [ -s "$1" ] || return 0
  local pid
  pid=$(cat "$1")
  [ -d "/proc/$pid" ] && grep -qa "$2" "/proc/$pid/cmdline" || return 0
  kill "$pid"
  for _ in $(seq 100); do [ -d "/proc/$pid" ] || return 0; sleep 0.1; done
  echo "$2 ($pid) did not end: KILL"
  kill -9 "$pid"
}

case ${SLURM_DBD:-both} in 1) names=test ;; 0) names=nodbd ;; full) names=full ;; *) names='full test nodbd' ;; esac
for name in $names; do
  for daemon in slurmd slurmctld slurmdbd; do stop "$BASE/slurm-$name/$daemon.pid" $daemon; done
done
[ -z "${SLURM_ONLY:-}" ] || exit 0
case $names in *test*) stop "$BASE/slurm-run/mysql/mysqld.pid" mariadbd ;; esac
[ "$names" != 'full test nodbd' ] || stop /run/munge/munged.pid munged
