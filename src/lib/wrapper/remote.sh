# Staging from and to storage elements that are not mounted. Part of a job file that needs it, run inside wrapper.sh, whose
# names it uses. Believes only checksums. Credentials are those of the job's environment; addresses have none.
#
# What differs between protocols stands in their own worker.sh, which the job file brings along:
#   fetch ADDRESS FILE ADLER32   copies to FILE; ADLER32 may be empty
#   send FILE ADDRESS OPTION     copies to ADDRESS, making its folder; OPTION is the element's own word, or empty
#   sum ADDRESS|FILE             the last word of $answer is the adler32 of what is stored, or of a file here
#   drop ADDRESS                 removes this start's folder and its outputs ($far, each_output), parts of them too
#   environment                  may be there: sets the variables of its tools
# They may set $kind, the checksum that `sum` tells (adler32 or md5), and $place, the folder of this start's outputs.
# find_lent METHOD ADDRESS sets $lent: an address by which a job without credentials may do this one thing. It is a secret:
# it stands in no command line and no log.
# They run their tools by `tool $seconds COMMAND...`, whose output is in $work/.dflow-out, and fail as it does.

# use PROTOCOL: from here on these are its functions; or fails with $line.
use() {
  environment() { :; }
  kind=adler32 place=$execution
  line="this job has no functions for protocol $1"
  command -v "use_$1" >/dev/null && "use_$1"
}

# $seconds: time for $1 bytes at 256 kB/s; a day where their number is not known.
limit_for() {
  seconds=86400
  [ -z "$1" ] || seconds=$((120 + $1 / 262144))
}

# tool SECONDS COMMAND...: runs it with the job's environment, its output in $work/.dflow-out. It fails with $code and,
# in $line, why. It runs in the background, so that a signal to the wrapper is heard at once.
tool() {
  {
    set_env
    environment
    command -v timeout >/dev/null || shift
    case $1 in *[!0-9]*) ;; *) set -- timeout -k 5 "$@" ;; esac
    exec "$@"
  } </dev/null >"$work/.dflow-out" 2>"$work/.dflow-said" &
  child=$!
  wait "$child"
  code=$?
  child=
  [ $code = 0 ] || explain "$2"
  return $code
}

# $line: why command $1 ended with $code. The log gets all it said, except users, secrets and options of addresses.
explain() {
  hidden='\(authz\|[Tt]oken\|[Bb]earer\)\([=: ]\|%3D\|%20\)\{1,\}[^ ]*'
  said=$(sed -e 's,\(://\)[^/@ ]*@,\1,g' -e 's,\(://[^ ?]*\)?[^ ]*,\1,g' \
    -e "s/$hidden/\\1=.../g" "$work/.dflow-said" 2>/dev/null | tail -n 40)
  case $code in
    124 | 137) line="$1 did not end in time" ;;
    127) line="no command $1 on this worker${said:+ (${said%%"$nl"*})}" ;;
    *)
      # What went wrong, rather than the warnings before it.
      line=$(printf '%s\n' "$said" | sed -n '/[Ee][Rr][Rr][Oo][Rr]/{p;q;}')
      line=${line:-${said%%"$nl"*}}
      line=${line:-"$1 ended with exit $code"}
      ;;
  esac
  [ -z "$said" ] || printf '%s\n' "$said" >&2
}

# --- stage in ---

fetch_remote() { # source name copy protocol size adler32
  limit_for "$5"
  use "$4" && fetch "$1" "$work/.dflow-in" "$6" || finish stage-in 1 "cannot fetch input $1: $line"
  # No tool compares the checksum of an empty file.
  size=$(($(wc -c <"$work/.dflow-in")))
  [ -z "$5" ] || [ "$5" = $size ] || finish stage-in 1 "input $1 has $size bytes, not $5"
  said=$(mv -f -- "$work/.dflow-in" "$work/$2" 2>&1) && return
  quote_said failed
  finish stage-in 1 "cannot name input $2: $line"
}

# --- stage out ---

# put_remote PROTOCOL FOLDER OPTION: copies and verifies every output, or says in $line why not and leaves nothing.
put_remote() {
  use "$1" || return 1
  far=$2/$place option=$3 sizes='' sums='' refused=''
  code=0
  each_output send_output
  [ -n "$refused" ] || return 0
  drop_far
  line=$refused
  return 1
}

send_output() { # type name
  [ -z "$refused" ] || return 0
  size=$(($(wc -c <"$work/$2")))
  limit_for $size
  send "$work/$2" "$far/$2" "$option" && ask_sum "$2" && is_same "$2" || {
    refused="cannot write $2: $line"
    return
  }
  sizes="$sizes$size " sums="$sums$hex "
}

# $hex: what the element says that it has stored. A server that is still reading it says so and is asked again.
ask_sum() {
  for pause in 1 3 9 0; do
    sum "$far/$1" && break
    case $pause$line in 0*) return 1 ;; *'[3003]'* | *'[3012]'* | *busy*) sleep $pause ;; *) return 1 ;; esac
  done
  read_hex "${answer##* }" || {
    line="unexpected answer about its checksum: $answer"
    return 1
  }
}

# $hex: $1 as lower-case digits, as many as a checksum of this $kind has.
read_hex() {
  hex=$(printf '%s' "$1" | tr A-F a-f) digits=8
  [ "$kind" != md5 ] || digits=32
  while [ ${#hex} -lt $digits ]; do hex=0$hex; done
  case $hex in *[!0-9a-f]*) return 1 ;; esac
  [ ${#hex} = $digits ]
}

# Fails unless file $1 has here the checksum that the element says: the tool has compared them once, when it ended.
is_same() {
  stored=$hex
  sum "$work/$1" && read_hex "${answer##* }" || return 1
  [ "$hex" = "$stored" ] && return
  line="the element has $kind $stored, $hex was sent"
  return 1
}

# Removes what this start has written at the element. Where that cannot be done, the log says so.
drop_far() {
  drop "$far"
  far=
}
