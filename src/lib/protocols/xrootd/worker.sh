# XRootD on a worker, by the site's xrdcp, xrdfs and xrdadler32. What each function is given: wrapper/remote.sh.

environment() { xrd_limits; }

fetch() { # address file adler32
  # shellcheck disable=SC2086
  tool $seconds xrdcp --silent --force ${3:+--cksum "adler32:$3"} "$1" "$2"
}

send() { # file address option
  # Checksums of both ends are compared; `adler32:source` would only print one.
  # shellcheck disable=SC2086
  tool $seconds xrdcp --silent --force --path $3 --cksum adler32 "$1" "$2"
}

sum() { # address|file
  case $1 in
    /*) tool $seconds xrdadler32 "$1" && read -r answer _ <"$work/.dflow-out" ;;
    *) split "$1" && tool 300 xrdfs "$server" query checksum "$path" && read -r answer <"$work/.dflow-out" ;;
  esac
}

drop() { # address of the folder
  # 51: nobody there; before the first output arrived there is nothing to remove.
  [ "$code" != 51 ] || [ -z "$sizes" ] || code=0
  each_output drop_output
  [ "$code" = 51 ] || { split "$1" && tool 20 xrdfs "$server" rmdir "$path"; }
}

drop_output() { # type name
  [ "$code" != 51 ] || return 0
  split "$far/$2"
  tool 20 xrdfs "$server" rm "$path"
}

# $server and $path of an address.
split() {
  server=${1#*://} server=${1%%://*}://${server%%/*}
  path=${1#"$server"} path=/${path##/}
  while :; do case $path in //*) path=${path#/} ;; *) return ;; esac done
}
