# The start of a job behind Ganga, which has no held jobs: waits for the ticket, then becomes wrapper.sh. Owns waiting,
# giving up, and the heartbeat that tells a live job from a dead one. POSIX shell and coreutils only.
#
#   sh start.sh FOLDER KEY WRAPPER HOLD BEAT SESSION [SCRATCH]
#
# FOLDER is shared with dflow: jobs/KEY is the job file, tickets/KEY lets it run, started/KEY is the start fence (who
# creates it first decides), beats/KEY is touched every BEAT seconds, cancel/KEY asks it to end. Without a ticket or a
# cancel within HOLD seconds nothing is run. SESSION yes: the wrapper gets a process group of its own, so that it can end
# all that its payload has started. Exit 75: nothing was run.

folder=$1 key=$2 wrapper=$3 hold=$4 every=$5 session=$6
shift 6
job=$folder/jobs/$key log=$folder/logs/${key%.*}/${key##*.}.log
exec </dev/null >>"$log" 2>&1

# A write, not a touch: the time is then the file server's, like the one that dflow compares it with.
beat() { echo >"$folder/beats/$key"; }

# Nobody came: the fence is taken, so that a ticket that comes later finds a job that can never start.
expire() {
  set -C
  printf 'lost\nno ticket within %s s: nothing was run\n' "$hold" 2>/dev/null >"$folder/started/$key"
  echo "start: no ticket for $key within $hold s: nothing was run"
  exit 75
}

waited=0 fast=0 next=0
while [ ! -e "$folder/tickets/$key" ]; do
  [ ! -e "$folder/started/$key" ] || exit 75
  [ -f "$job" ] || exit 75
  if [ $waited -ge $next ]; then
    beat
    next=$((waited + every))
  fi
  [ $waited -lt "$hold" ] || expire
  # Most tickets come within seconds; one that does not costs its host little.
  if [ $fast -lt 25 ] && sleep 0.2 2>/dev/null; then
    fast=$((fast + 1))
    [ $((fast % 5)) -ne 0 ] || waited=$((waited + 1))
  else
    pause=1
    [ $waited -lt 60 ] || pause=5
    [ $((hold - waited)) -ge $pause ] || pause=1
    sleep $pause
    waited=$((waited + pause))
  fi
done

# The wrapper as $$ lives on; one that was killed and that nobody has reaped yet is dead.
alive() {
  kill -0 $$ 2>/dev/null || return 1
  read -r stat 2>/dev/null </proc/$$/stat || return 0
  case ${stat##*) } in Z*) return 1 ;; esac
}

heartbeat() {
  trap 'kill "$nap" 2>/dev/null; exit 0' TERM HUP INT
  asked=no
  while alive; do
    beat
    if [ $asked = no ] && [ -e "$folder/cancel/$key" ]; then
      kill -TERM $$
      asked=yes
    fi
    sleep "$every" &
    nap=$!
    wait "$nap"
  done
  # The wrapper was torn away: what its payload has started, in whatever session, goes with it.
  for rest in $(grep -ls "DFLOW_JOB=$key" /proc/[0-9]*/environ 2>/dev/null); do
    rest=${rest#/proc/}
    kill -KILL "${rest%/environ}" 2>/dev/null
  done
}
beat
heartbeat >/dev/null 2>&1 &
# The wrapper ends it.
export DFLOW_BEAT=$!
set -- sh "$wrapper" "$job" "$folder" once "$log" "$@"
if [ "$session" = yes ] && command -v setsid >/dev/null; then set -- setsid "$@"; fi
# In its environment only, not in ours: what looks for the mark must not find itself.
exec env "DFLOW_JOB=$key" "$@"
