# gfal2 on a worker, by the site's gfal-copy, gfal-sum and gfal-rm. What each function is given: wrapper/remote.sh.

environment() {
  xrd_limits
  # The system's own gfal-copy takes the first python3 of PATH, which may be another than the one it was installed for.
  [ -n "${GFAL_PYTHONBIN-}" ] || [ "$(command -v gfal-copy)" != /usr/bin/gfal-copy ] ||
    export GFAL_PYTHONBIN=/usr/bin/python3
}

fetch() { # address file adler32
  # shellcheck disable=SC2086
  tool $seconds gfal-copy -f -t $seconds -T $seconds ${3:+-K "adler32:$3" --checksum-mode target} "$1" "file://$2"
}

send() { # file address option
  tool $seconds gfal-copy -f -p -K adler32 -t $seconds -T $seconds "file://$1" "$2"
}

sum() { # address|file
  case $1 in
    /*) tool $seconds gfal-sum -t $seconds "file://$1" adler32 ;;
    *) tool 300 gfal-sum -t 300 "$1" adler32 ;;
  esac && read -r answer <"$work/.dflow-out"
}

drop() { # address of the folder
  tool 60 gfal-rm -r "$1"
}
