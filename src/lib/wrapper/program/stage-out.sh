# Stage out: copies of all outputs, verified, at the first storage element that takes them.

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

# put_mounted FOLDER PATH [MODE]: copies and verifies every output, or says in $line why not.
put_mounted() {
  # A mounted folder that is not there must not be made: the files would land below the empty mount point.
  [ -d "${1%"/$2"}" ] || {
    line="${1%"/$2"} is not there" to=
    return 1
  }
  to=$1/$execution sizes=''
  [ -d "$to" ] || said=$(mkdir -p -- "$to" 2>&1) || abandon 'cannot make the folder'
  each_output copy_output
  [ -z "$to" ] || verify_copies || abandon 'a copy differs from its original'
  [ -z "$to" ] || [ -z "$3" ] || said=$(with_outputs "$to" chmod "$3" -- 2>&1) || abandon 'cannot set the mode'
  [ -n "$to" ]
}

try_destination() { # storage protocol folder path option
  [ -z "$placed" ] || return 0
  place=$execution
  case $3 in
    /*) kind=md5 && put_mounted "$3" "$4" "$5" ;;
    *) put_remote "$2" "$3" "$5" ;;
  esac && placed=$1 folder=$4/$place && return
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
  case $3 in /*) [ ! -d "${3%"/$4"}" ] || to=$3/$execution ;; esac
}
