# Outputs: whether the payload made what its module declares.

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
