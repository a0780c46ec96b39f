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
execution='' work='' ready='' to='' child='' placed='' lines='' problems='' group='' far=''
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

# --- the end: every way out leads through here ---

# finish PHASE EXIT REASON: writes the record and ends. The record comes last, when nothing of this start is left.
finish() {
  trap '' TERM INT HUP
  # The heartbeat of whoever started this wrapper, where there is one.
  [ -z "${DFLOW_BEAT-}" ] || kill "$DFLOW_BEAT" 2>/dev/null
  read_clock
  in_seconds $((clock - began))
  record="dflow-record 1${nl}key $key${nl}execution $execution${nl}phase $1${nl}exit $2${nl}wall $text$nl"
  if [ "$2" -gt 128 ] && [ "$2" -lt 193 ]; then record="${record}signal $(($2 - 128))$nl"; fi
  one_line "$3"
  record="${record}host $host${nl}reason $line$nl"
  add_cpu
  add_rss
  if [ "$1" = done ]; then record=$record$lines; else add_tail; fi
  # Only a record that says `done` names its upload; otherwise it is nobody's and goes as well.
  [ "$1" != done ] || to='' far=''
  [ -z "$far" ] || drop_far
  cd /
  rm -rf -- "$work" ${setup:+"$ready"} ${usage:+"$usage"} ${to:+"$to"}
  name=$key
  [ "$mode" = once ] || name=$key.$execution
  printf '%send %s\n' "$record" "$key" >"$spool/result/tmp/$name" || {
    echo "wrapper: cannot write the result record of $key" >&2
    exit 74
  }
  exec mv -f -- "$spool/result/tmp/$name" "$spool/result/new/$name"
}

# CPU time of all children: fields 16 and 17, in hundredths of a second on every Linux. Elsewhere it is left out.
add_cpu() {
  read -r stat 2>/dev/null </proc/$$/stat || return 0
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  in_seconds $((${14} + ${15}))
  record="${record}cpu $text$nl"
}

# Largest resident set, KiB; the last line, after one about the exit code.
add_rss() {
  [ -n "$usage" ] && [ -s "$usage" ] || return 0
  while read -r line; do rss=$line; done <"$usage"
  case $rss in '' | *[!0-9]*) ;; *) record="${record}rss $rss$nl" ;; esac
}

# The log's last lines, from which a failure's cause is recognised.
add_tail() {
  [ -n "$log" ] && [ -f "$log" ] || return 0
  last=$(tail -c 2048 -- "$log" | tail -n 20)$nl
  while [ -n "$last" ]; do
    record="${record}tail ${last%%"$nl"*}$nl"
    last=${last#*"$nl"}
  done
}

# A signal from the batch system or an operator: the payload ends first, then the record is written.
stopped() {
  trap '' TERM INT HUP
  if [ -n "$child" ]; then
    kill -TERM "$child" 2>/dev/null
    # The payload's own children, when this process group is ours alone.
    [ "$group" != "$$" ] || kill -TERM 0
    patience=30
    while [ $patience -gt 0 ] && kill -0 "$child" 2>/dev/null; do
      sleep 0.1
      patience=$((patience - 1))
    done
    kill -KILL "$child" 2>/dev/null
  fi
  finish killed $((128 + $1)) "stopped by signal $2"
}

# --- stage in ---

link_file() {
  # One without a path came with the job, into the folder where this started.
  case $1 in /*) ;; *) set -- "$PWD/$1" ;; esac
  said=$(ln -s -- "$1" "$work/" 2>&1) && return
  quote_said failed
  finish stage-in 1 "cannot link $1: $line"
}

stage_in() { # source name copy|stream protocol size adler32
  case $3:$1 in
    stream:/*) [ -r "$1" ] || finish stage-in 1 "input is missing or not readable: $1" ;;
    copy:/*)
      said=$(dd if="$1" of="$work/$2" bs=1048576 2>&1) || {
        quote_said failed
        finish stage-in 1 "cannot copy input $1: $line"
      }
      said=${said##*"$nl"}
      [ -z "$5" ] || [ "$5" = "${said%% *}" ] || finish stage-in 1 "input $1 has ${said%% *} bytes, not $5"
      ;;
    copy:*) fetch_remote "$@" || finish stage-in 1 "this wrapper cannot fetch $1" ;;
  esac
}

# --- payload ---

# The release is set up in the payload's own shell, so that nothing it does (functions, cd, set -e) reaches the wrapper.
# The file $ready says that it got that far.
compose_script() {
  script=$command
  [ -z "$setup" ] || script="command -v source >/dev/null || source() { . \"\$@\"; }
$setup
dflow_status=\$?
[ \$dflow_status = 0 ] || exit \$dflow_status
: >"\$DFLOW_READY"
$command"
}

# Runs in a child of its own, which becomes the payload: one process, not two.
launch() {
  cd "$work" || exit 74
  export DFLOW_EXECUTION="$execution"
  [ -z "$setup" ] || export DFLOW_READY="$ready"
  set -- sh -c "$script" sh
  [ -z "$usage" ] || set -- /usr/bin/time -f %M -o "$usage" "$@"
  # timeout comes first: it passes signals on, to a process group of its own.
  [ "$limit" = 0 ] || set -- timeout -k 10 "$limit" "$@"
  with_inputs become "$@"
}

# The job's environment comes last: it may have names that are variables here.
become() {
  set_env
  exec "$@"
}

run_payload() {
  # Measuring memory takes one more process (GNU time), so only a job that asks for an amount of memory pays for it.
  [ -z "$memory" ] || [ ! -x /usr/bin/time ] || [ ! -r /proc/$$/stat ] || usage=$work.rss
  [ "$limit" = 0 ] || command -v timeout >/dev/null || finish setup 127 'no command timeout: the limit cannot be kept'
  compose_script
  read_clock
  launched=$clock
  launch &
  child=$!
  wait "$child"
  code=$?
  child=
  [ $code != 0 ] || return 0
  [ -z "$setup" ] || [ -e "$ready" ] || finish setup $code "software set-up ended with exit $code"
  read_clock
  if [ "$limit" != 0 ] && [ $((clock - launched)) -ge $((limit * 100)) ]; then
    case $code in 124 | 137) finish payload $code "ran past its limit of $limit s" ;; esac
  fi
  case $code in
    126) finish payload $code 'exit 126: a command is not executable' ;;
    127) finish payload $code 'exit 127: command not found' ;;
  esac
  if [ $code -gt 128 ]; then finish payload $code "exit $code: killed by signal $((code - 128))"; fi
  finish payload $code "exit $code"
}

# --- outputs ---

check_output() { # type name
  if [ ! -f "$work/$2" ]; then
    problems="${problems:+$problems, }missing output $1 ($2)"
  elif [ ! -s "$work/$2" ]; then
    problems="${problems:+$problems, }empty output $1 ($2)"
  fi
}

known_file() { known=$known${1##*/}/; }
known_input() { [ "$3" != copy ] || known=$known$2/; }
known_output() { known=$known$2/; }

# $found: files that the payload made and nobody declared; most often the output under another name.
find_others() {
  known=/ found='' many=0
  each_file known_file
  each_input known_input
  each_output known_output
  cd "$work" || return
  set +f
  for name in *; do
    case $known in *"/$name/"*) continue ;; esac
    [ -e "$name" ] || continue
    many=$((many + 1))
    [ $many -gt 10 ] || found="${found:+$found, }$name"
  done
  set -f
  [ $many -le 10 ] || found="$found and $((many - 10)) more"
}

check_outputs() {
  each_output check_output
  [ -n "$problems" ] || return 0
  find_others
  finish outputs 1 "$problems; found: ${found:-nothing else}"
}

# --- stage out ---

# macOS before 14 has md5 only.
md5=md5sum
command -v md5sum >/dev/null || md5='md5 -r'

# dd rather than cp: it also tells the size, which saves a process, and starts faster.
copy_output() { # type name
  [ -n "$to" ] || return 0
  if said=$(dd if="$work/$2" of="$to/$2" bs=1048576 2>&1); then
    # `17 bytes copied, ...` is its last line, in every language.
    said=${said##*"$nl"}
    sizes="$sizes${said%% *} "
  else
    abandon 'cannot copy'
  fi
}

# Fails unless every copy has the checksum of its original. $sums: one word an output.
verify_copies() {
  sums='' copies='' left=$outputs
  said=$(with_outputs "$work" with_outputs "$to" exec $md5 -- 2>&1) || return 1
  rest=$said$nl
  while [ -n "$rest" ]; do
    # md5sum marks a line whose file name it had to escape.
    word=${rest%% *} word=${word#\\} rest=${rest#*"$nl"}
    if [ $left -gt 0 ]; then sums="$sums$word "; else copies="$copies$word "; fi
    left=$((left - 1))
  done
  said=
  [ $left = -$outputs ] && [ "$sums" = "$copies" ]
}

# Gives this destination up; $line says why: the failing command's words, or else $1.
abandon() {
  quote_said "$1"
  rm -rf -- "$to"
  to=
}

# put_posix FOLDER PATH: copies and verifies every output, or says in $line why not.
put_posix() {
  # A mounted folder that is not there must not be made: the files would land below the empty mount point.
  [ -d "${1%"/$2"}" ] || {
    line="${1%"/$2"} is not there" to=
    return 1
  }
  to=$1/$execution sizes=''
  [ -d "$to" ] || said=$(mkdir -p -- "$to" 2>&1) || abandon 'cannot make the folder'
  each_output copy_output
  [ -z "$to" ] || verify_copies || abandon 'a copy differs from its original'
  [ -n "$to" ]
}

try_destination() { # storage protocol folder path posc
  [ -z "$placed" ] || return 0
  line="this wrapper does not know protocol $2" kind=adler32
  case $2 in
    posix) kind=md5 && put_posix "$3" "$4" ;;
    xrootd | gfal) put_remote "$2" "$3" "$5" ;;
    *) false ;;
  esac && placed=$1 folder=$4/$execution && return
  problems="${problems:+$problems; }$1: $line"
}

count_output() { outputs=$((outputs + 1)); }

add_line() { # type name
  lines="${lines}output $1 $2 $placed ${sizes%% *} $kind:${sums%% *} $folder/$2$nl"
  sizes=${sizes#* } sums=${sums#* }
}

stage_out() {
  outputs=0 problems=
  each_output count_output
  [ $outputs -gt 0 ] || return 0
  each_destination try_destination
  [ -n "$placed" ] || finish stage-out 1 "${problems:-no storage element to write to}"
  folder=${folder#/}
  each_output add_line
}

# $to: this execution's folder at the first destination, made together with the scratch folder to save a process.
first_folder() { # storage protocol folder path
  [ -z "$asked" ] || return 0
  asked=yes
  [ "$2" != posix ] || [ ! -d "${3%"/$4"}" ] || to=$3/$execution
}

# --- the job ---

read_clock
began=$clock
[ -f "$job" ] || exit 75
# shellcheck disable=SC1090
. "$job"
identify
[ -n "$execution" ] || exit 74
# The file's name is the key: after a power cut the file may be empty.
key=${job##*/}
work=$base/$key.$execution ready=$base/$key.$execution.ready asked=''
if [ $complete = no ]; then
  fence
  finish lost 1 'the job file is damaged'
fi
fence
trap 'stopped 15 TERM' TERM
trap 'stopped 2 INT' INT
trap 'stopped 1 HUP' HUP
each_destination first_folder
if [ -n "$to" ]; then mkdir -p -- "$work" "$to"; else mkdir -p -- "$work"; fi
[ -d "$work" ] || finish setup 1 "cannot make the scratch folder $work"
each_file link_file
each_input stage_in
run_payload
check_outputs
stage_out
finish 'done' 0 ''
