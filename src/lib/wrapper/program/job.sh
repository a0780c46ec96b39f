# The job, from its file to its record.

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
# Only the whole last line says so: a file that was cut within it is damaged too.
if [ "$complete" != yes ]; then
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
