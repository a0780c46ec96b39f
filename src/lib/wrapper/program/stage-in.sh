# Stage in: what the payload reads, linked or copied into the scratch folder.

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
