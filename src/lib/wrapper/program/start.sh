# The job wrapper: one start of one subjob on a worker node. Owns scratch, staging, the time limit, checksums and the
# result record. POSIX shell and coreutils only: a worker node has neither Node nor dflow. Knows no batch system.
#
#   sh wrapper.sh JOBFILE SPOOL [once|again] [LOG] [SCRATCH]
#
# JOBFILE is what renderSpec wrote. SPOOL has the folders started/ and result/{tmp,new}. `once`: a key starts once for
# ever; `again`: the batch system may restart it, and each start has its own mark and record. LOG is this job's own
# log, SCRATCH the parent of the scratch folder.
# Exit: 0 a record is in result/new (whatever it says); 74 no record could be written; 75 the key was started before.
#
# A trivial job is mostly process starts, so they are counted: mkdir, sh (the payload), dd, md5sum, rm, mv.
# What a shell builtin can do (clock, nonce, host, fence) it does.

job=$1 spool=$2 mode=${3:-once} log=${4-} base=${5:-${TMPDIR:-/tmp}}
complete=no key='' setup='' command='' limit=0 memory='' usage='' rss=''
execution='' work='' ready='' to='' child='' placed='' lines='' problems='' group='' far='' launched=''
nl='
'
set -f

# --- small things, without a fork ---

# $clock: hundredths of a second since some fixed moment.
read_clock() {
  if read -r clock _ 2>/dev/null </proc/uptime; then
    clock=$((${clock%.*} * 100 + 1${clock#*.} - 100))
  else
    clock=$(date +%s)00
  fi
}

# $text: hundredths $1 as seconds, `1.05`.
in_seconds() {
  text=$(($1 % 100))
  [ "$text" -gt 9 ] || text=0$text
  text=$(($1 / 100)).$text
}

# $line: $1 on one line.
one_line() {
  line=$1
  while :; do
    case $line in *"$nl"*) line="${line%%"$nl"*} ${line#*"$nl"}" ;; *) return ;; esac
  done
}

# $line: the first line of what a failing command said ($said), or else $1. The log gets all of it.
quote_said() {
  line=${said%%"$nl"*}
  line=${line:-$1}
  [ -z "$said" ] || printf '%s\n' "$said" >&2
}

# $execution, fresh at each start; $host; and what identifies this process until the machine restarts.
identify() {
  if read -r uuid 2>/dev/null </proc/sys/kernel/random/uuid; then
    IFS=-
    # shellcheck disable=SC2086
    set -- $uuid
    unset IFS
    execution=$1$2$5
  else
    execution=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
  fi
  read -r host 2>/dev/null </proc/sys/kernel/hostname || host=$(uname -n)
  started_at=- boot=-
  if read -r stat 2>/dev/null </proc/$$/stat; then
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    group=$3 started_at=${20}
    read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id || boot=-
  fi
}

# The start fence: the mark is created exclusively, so of two starts of one key exactly one goes on.
fence() {
  mark=$spool/started/$key first=no
  [ "$mode" = once ] || mark=$mark.$execution
  set -C
  { first=yes && printf 'started %s %s %s %s\n' "$$" "$started_at" "$boot" "$execution"; } 2>/dev/null >"$mark" || {
    [ $first = no ] && [ -e "$mark" ] && exit 75
    echo "wrapper: cannot write $mark" >&2
    exit 74
  }
  set +C
}
