# S3 on a worker, by curl and coreutils alone. The job has no keys: it was lent an address for each file that it reads or
# writes, in a folder that is named after its key. What each function is given: wrapper/remote.sh.

kind=md5 place=$key

# lent_curl METHOD ADDRESS LINES: curl with what was lent, which it reads from a file: everybody can read command lines.
lent_curl() {
  find_lent "$1" "$2" || {
    line="this job was lent no address to $1 $2" code=1
    return 1
  }
  (umask 077 && printf 'url = "%s"\n%s\n' "$lent" "$3" >"$work/.dflow-curl") || return 1
  lent=
  tool "$seconds" curl --silent --show-error --fail --connect-timeout 30 --config "$work/.dflow-curl"
  said_code=$code
  : >"$work/.dflow-curl"
  [ "$said_code" = 0 ] && return
  code=$said_code
  case $line in
    *' 403'* | *' 400'*) line="$line; the address is good for a while only, and for one file" ;;
  esac
  return 1
}

fetch() { # address file adler32
  quote_path "$2"
  lent_curl GET "$1" "output = \"$quoted\"" || return 1
  # An empty object makes no file.
  [ -e "$2" ] || : >"$2"
  [ -z "$3" ] || same_adler32 "$2" "$3"
}

# $base64 of the bytes that $1 has in hexadecimal digits.
in_base64() {
  rest=$1 octal=
  while [ -n "$rest" ]; do
    byte=$((0x${rest%"${rest#??}"})) rest=${rest#??}
    octal=$octal\\0$((byte / 64))$((byte / 8 % 8))$((byte % 8))
  done
  base64=$(printf '%b' "$octal" | base64)
}

send() { # file address option
  [ "$(($(wc -c <"$1")))" -le 5368709120 ] || {
    line='it has more than 5 GiB, which S3 does not take in one request: write it to another storage element' code=1
    return 1
  }
  sum "$1" || return 1
  sent=${answer%% *}
  in_base64 "$sent"
  # The server compares the md5 with what has arrived.
  quote_path "$1"
  upload=$quoted
  quote_path "$work/.dflow-headers"
  lent_curl PUT "$2" "upload-file = \"$upload\"
header = \"Content-MD5: $base64\"
header = \"Content-Type: application/octet-stream\"
dump-header = \"$quoted\"" || return 1
  # With a key of the server's own the tag is no md5: that the server took the bytes has to do.
  case $(cat "$work/.dflow-headers") in
    *aws:kms*) stored= && return ;;
  esac
  stored=$(sed -n 's/^[Ee][Tt][Aa][Gg]: *"\{0,1\}\([0-9a-f]\{32\}\)"\{0,1\}[[:space:]]*$/\1/p' "$work/.dflow-headers")
}

# $answer begins with the md5 of a file; of what is stored it is what the server said when it had taken it.
sum() { # address|file
  case $1 in
    /*) tool "$seconds" $md5 "$1" && read -r answer <"$work/.dflow-out" && answer=${answer#\\} && answer=${answer%% *} ;;
    *) answer=${stored:-$sent} ;;
  esac
}

drop() { # address of the folder
  each_output drop_output
}

drop_output() { # type name
  lent_curl DELETE "$far/$2" ''
}
