#!/bin/sh
# A window of `dflow screens`: runs one loop, and starts it again when it dies, with growing pauses.
# watch.sh NAME FOLDER PROGRAM...   The file of variables beside it, if there is one, is read first.
name=$1
folder=$2
shift 2
[ ! -r "${0%.sh}.env" ] || . "${0%.sh}.env"
cd "$folder" || exit 1
stopped=
typed=
trap 'stopped=1' TERM HUP
trap 'typed=1' INT
deaths=0
pause=1
# say TEXT: a line with the time.
say() {
  printf '%s  %s: %s\n' "$(date +%H:%M:%S)" "$name" "$1"
}
while :; do
  began=$(date +%s)
  DFLOW_DEATHS=$deaths "$@"
  code=$?
  [ -z "$stopped" ] || exit 0
  lived=$(($(date +%s) - began))
  if [ -n "$typed" ] || [ "$code" -eq 0 ]; then
    say 'stopped; Enter starts it again, Ctrl-D closes this window'
    typed=
    # Another Ctrl-C changes nothing; the end of the terminal ends the window.
    while ! read -r _; do
      [ -n "$typed" ] && [ -z "$stopped" ] || exit 0
      typed=
    done
    [ -z "$stopped" ] || exit 0
    deaths=0
    pause=1
    continue
  fi
  # Another build of dflow is installed: no death.
  if [ "$code" -eq 75 ] && [ "$lived" -ge 5 ]; then
    say 'started again: another build of dflow is installed'
    continue
  fi
  if [ "$lived" -ge 600 ]; then
    deaths=0
    pause=1
  fi
  [ "$code" -eq 75 ] || deaths=$((deaths + 1))
  say "ended with $code after ${lived}s; starts again in ${pause}s (ended $deaths times)"
  sleep "$pause"
  [ -z "$stopped" ] || exit 0
  pause=$((pause * 2 > 60 ? 60 : pause * 2))
done
