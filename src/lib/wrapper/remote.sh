# Staging from and to storage elements that are not mounted, by the site's xrdcp, xrdfs and gfal-* commands. Part of a
# job file that needs it, run inside wrapper.sh, whose names it uses. Believes only checksums. Credentials are those of
# the job's environment; addresses have none.

# $seconds: time for $1 bytes at 256 kB/s; a day where their number is not known.
limit_for() {
  seconds=86400
  [ -z "$1" ] || seconds=$((120 + $1 / 262144))
}

# The time limits of the XRootD client, where the environment says no others: its own are minutes to hours.
set_limits() {
  export XRD_CONNECTIONWINDOW="${XRD_CONNECTIONWINDOW:-5}" XRD_CONNECTIONRETRY="${XRD_CONNECTIONRETRY:-2}"
  export XRD_REQUESTTIMEOUT="${XRD_REQUESTTIMEOUT:-60}" XRD_STREAMTIMEOUT="${XRD_STREAMTIMEOUT:-30}"
  export XRD_STREAMERRORWINDOW="${XRD_STREAMERRORWINDOW:-1}" XRD_TIMEOUTRESOLUTION="${XRD_TIMEOUTRESOLUTION:-1}"
  # Clients ask for the names of the node's addresses first: where no name server answers, they wait 5 s for each.
  export RES_OPTIONS="${RES_OPTIONS:-timeout:1 attempts:3}"
  # The system's own gfal-copy takes the first python3 of PATH, which may be another than the one it was installed for.
  [ -n "${GFAL_PYTHONBIN-}" ] || [ "$(command -v gfal-copy)" != /usr/bin/gfal-copy ] ||
    export GFAL_PYTHONBIN=/usr/bin/python3
}

# tool SECONDS COMMAND...: runs it with the job's environment, its output in $work/.dflow-out. It fails with $code and,
# in $line, why. It runs in the background, so that a signal to the wrapper is heard at once.
tool() {
  {
    set_env
    set_limits
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
  # shellcheck disable=SC2086
  case $4 in
    xrootd) tool $seconds xrdcp --silent --force ${6:+--cksum "adler32:$6"} "$1" "$work/.dflow-in" ;;
    gfal)
      tool $seconds gfal-copy -f -t $seconds -T $seconds ${6:+-K "adler32:$6" --checksum-mode target} \
        "$1" "file://$work/.dflow-in"
      ;;
    *) line="this wrapper does not know protocol $4" && false ;;
  esac || finish stage-in 1 "cannot fetch input $1: $line"
  # No tool compares the checksum of an empty file.
  size=$(($(wc -c <"$work/.dflow-in")))
  [ -z "$5" ] || [ "$5" = $size ] || finish stage-in 1 "input $1 has $size bytes, not $5"
  said=$(mv -f -- "$work/.dflow-in" "$work/$2" 2>&1) && return
  quote_said failed
  finish stage-in 1 "cannot name input $2: $line"
}

# --- stage out ---

# put_remote PROTOCOL FOLDER POSC: copies and verifies every output, or says in $line why not and leaves nothing.
put_remote() {
  far=$2/$execution by=$1 posc=$3 sizes='' sums='' refused=''
  server=${2#*://} server=${2%%://*}://${server%%/*}
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
  # shellcheck disable=SC2086
  case $by in
    xrootd)
      # Checksums of both ends are compared; `adler32:source` would only print one.
      tool $seconds xrdcp --silent --force --path $posc --cksum adler32 "$work/$2" "$far/$2"
      ;;
    gfal) tool $seconds gfal-copy -f -p -K adler32 -t $seconds -T $seconds "file://$work/$2" "$far/$2" ;;
  esac && ask_checksum "$2" && is_same "$2" || {
    refused="cannot write $2: $line"
    return
  }
  sizes="$sizes$size " sums="$sums$hex "
}

# $path: of file $1 at the server.
server_path() {
  path=${far#"$server"}/$1 path=/${path##/}
  while :; do case $path in //*) path=${path#/} ;; *) return ;; esac done
}

# $hex: what the element says that it has stored. A server that is still reading it says so and is asked again.
ask_checksum() {
  server_path "$1"
  for pause in 1 3 9 0; do
    case $by in
      xrootd) tool 300 xrdfs "$server" query checksum "$path" && break ;;
      gfal) tool 300 gfal-sum -t 300 "$far/$1" adler32 && break ;;
    esac
    case $pause$line in 0*) return 1 ;; *'[3003]'* | *'[3012]'* | *busy*) sleep $pause ;; *) return 1 ;; esac
  done
  read -r answer <"$work/.dflow-out"
  read_hex "${answer##* }" || {
    line="unexpected answer about its checksum: $answer"
    return 1
  }
}

# $hex: $1 as eight lower-case digits.
read_hex() {
  hex=$(printf '%s' "$1" | tr A-F a-f)
  while [ ${#hex} -lt 8 ]; do hex=0$hex; done
  case ${#hex}$hex in 8*[!0-9a-f]*) return 1 ;; 8*) ;; *) return 1 ;; esac
}

# Fails unless file $1 has here the checksum that the element says: the tool has compared them once, when it ended.
is_same() {
  stored=$hex
  case $by in
    xrootd) tool $seconds xrdadler32 "$work/$1" && read -r answer _ <"$work/.dflow-out" ;;
    gfal) tool $seconds gfal-sum -t $seconds "file://$work/$1" adler32 && read -r answer <"$work/.dflow-out" ;;
  esac && read_hex "${answer##* }" || return 1
  [ "$hex" = "$stored" ] && return
  line="the element has adler32 $stored, $hex was sent"
  return 1
}

remove_far() { # type name
  [ "$code" != 51 ] || return 0
  server_path "$2"
  tool 20 xrdfs "$server" rm "$path"
}

# Removes what this start has written at the element, parts included. Where that cannot be done, the log says so.
drop_far() {
  case $by in
    xrootd)
      # 51: nobody there; before the first output arrived there is nothing to remove.
      [ "$code" != 51 ] || [ -z "$sizes" ] || code=0
      each_output remove_far
      [ "$code" = 51 ] || { server_path '' && tool 20 xrdfs "$server" rmdir "${path%/}"; }
      ;;
    gfal) tool 60 gfal-rm -r "$far" ;;
  esac
  far=
}
