# WebDAV on a worker, by curl and what every machine has. Who the job is, its own environment says: BEARER_TOKEN,
# BEARER_TOKEN_FILE, X509_USER_PROXY, or ~/.netrc. What each function is given: wrapper/remote.sh.

# Folders of a start's outputs below the element's own: outputs/MODULE/RUN/PASS/START. What is above must be there.
folders=5

# Runs in the job's environment, before each tool: curl reads who we are from a file, since everybody can read command lines.
environment() {
  (
    umask 077
    token=${BEARER_TOKEN-}
    [ -n "$token" ] || [ ! -r "${BEARER_TOKEN_FILE-}" ] || read -r token <"$BEARER_TOKEN_FILE"
    [ -z "$token" ] || printf 'header = "Authorization: Bearer %s"\n' "$token"
    [ -z "${X509_USER_PROXY-}" ] || printf 'cert = "%s"\nkey = "%s"\n' "$X509_USER_PROXY" "$X509_USER_PROXY"
    [ -z "${X509_CERT_DIR-}" ] || printf 'capath = "%s"\n' "$X509_CERT_DIR"
    [ -n "$token" ] || echo netrc-optional
  ) >"$work/.dflow-curl"
}

# dav METHOD ADDRESS [LINES]: one request; $work/.dflow-headers has what was answered.
dav() {
  quote_path "$work/.dflow-headers"
  printf 'request = "%s"\nurl = "%s"\ndump-header = "%s"\n%s\n' "$1" "$2" "$quoted" "${3-}" >"$work/.dflow-ask"
  tool "$seconds" curl --silent --show-error --fail --connect-timeout 30 --config "$work/.dflow-ask" \
    --config "$work/.dflow-curl"
  said_code=$code
  : >"$work/.dflow-curl"
  code=$said_code
  return $code
}

fetch() { # address file adler32
  quote_path "$2"
  output=$quoted
  dav GET "$1" "output = \"$output\"" || return 1
  # An empty file makes no file.
  [ -e "$2" ] || : >"$2"
  [ -z "$3" ] || same_adler32 "$2" "$3"
}

send() { # file address option
  quote_path "$1"
  upload=$quoted
  dav PUT "$2" "upload-file = \"$upload\"" && return
  case $line in
    *' 404'* | *' 409'* | *' 403'*) ;;
    *) return 1 ;;
  esac
  refused_put=$line
  make_folder "${2%/*}" $folders || {
    line=$refused_put code=22
    return 1
  }
  dav PUT "$2" "upload-file = \"$upload\""
}

make_folder() { # address levels
  dav MKCOL "$1/" && return
  case $line in
    *' 405'*) return ;;
    *' 404'* | *' 409'*) ;;
    *) return 1 ;;
  esac
  [ "$2" -gt 1 ] && make_folder "${1%/*}" $(($2 - 1)) || return 1
  dav MKCOL "$1/" && return
  case $line in *' 405'*) return ;; esac
  return 1
}

# What the server says of what it stored (RFC 3230); where it computes nothing, every byte is read back.
sum() { # address|file
  case $1 in
    /*) adler32_of "$1" && return ;;
    *)
      dav HEAD "$1" 'head
header = "Want-Digest: adler32"' || return 1
      answer=$(sed -n 's/^[Dd][Ii][Gg][Ee][Ss][Tt]:.*adler32=\([0-9A-Fa-f]*\).*/\1/p' "$work/.dflow-headers")
      [ -z "$answer" ] || return 0
      quote_path "$work/.dflow-back"
      output=$quoted
      dav GET "$1" "output = \"$output\"" || return 1
      [ -e "$work/.dflow-back" ] || : >"$work/.dflow-back"
      adler32_of "$work/.dflow-back"
      back=$?
      rm -f -- "$work/.dflow-back"
      return $back
      ;;
  esac
}

drop() { # address of the folder
  seconds=60
  dav DELETE "$1/"
}
