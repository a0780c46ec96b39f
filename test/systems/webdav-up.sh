#!/usr/bin/env bash
# Real WebDAV servers on loopback, without systemd. Idempotent: what is up stays up.
#   webdav-up.sh [rclone] [apache]     default: both; ports 22910 and 22911, user dflow, password dflow-dav-secret
# Files are below $DFLOW_SYSTEMS/webdav/rclone/data and .../apache/data. Apache asks for a bearer token below /token/.
set -euo pipefail
S=${DFLOW_SYSTEMS:-/opt/dflow-systems}/webdav
export RCLONE_USER=dflow RCLONE_PASS=dflow-dav-secret
[ -n "${DFLOW_LOCKED-}" ] || { install -d "$S" && DFLOW_LOCKED=1 exec flock -o "$S/lock" bash "$0" "$@"; }

alive() { # PIDFILE WORD
  local pid
  pid=$(cat "$1" 2>/dev/null || true)
  [ -n "$pid" ] && grep -qa "$2" "/proc/$pid/cmdline" 2>/dev/null
}

answers() { # NAME PORT
  for _ in $(seq 150); do
    curl -s -m 2 -o /dev/null "http://127.0.0.1:$2/" && return 0
    sleep 0.2
  done
  tail -n 20 "$S/$1/log" >&2
  echo "$1 did not start" >&2
  return 1
}

rclone() {
  mkdir -p "$S/rclone/data"
  alive "$S/rclone/pid" rclone || {
    setsid "$S/venv/bin/rclone" serve webdav --addr 127.0.0.1:22910 "$S/rclone/data" >>"$S/rclone/log" 2>&1 </dev/null &
    echo $! >"$S/rclone/pid"
  }
  answers rclone 22910
}

apache() {
  local A=$S/apache m=/usr/lib/apache2/modules
  mkdir -p "$A/data/token" "$A/locks"
  printf 'dflow:%s\n' "$(openssl passwd -apr1 "$RCLONE_PASS")" >"$A/users"
  cat >"$A/conf" <<C
ServerName 127.0.0.1
ServerRoot $A
Listen 127.0.0.1:22911
PidFile $A/pid
ErrorLog $A/log
User www-data
Group www-data
LoadModule mpm_event_module $m/mod_mpm_event.so
LoadModule authz_core_module $m/mod_authz_core.so
LoadModule authn_core_module $m/mod_authn_core.so
LoadModule authn_file_module $m/mod_authn_file.so
LoadModule authz_user_module $m/mod_authz_user.so
LoadModule auth_basic_module $m/mod_auth_basic.so
LoadModule setenvif_module $m/mod_setenvif.so
LoadModule dav_module $m/mod_dav.so
LoadModule dav_fs_module $m/mod_dav_fs.so
DavLockDB $A/locks/db
DocumentRoot $A/data
AllowEncodedSlashes NoDecode
<Directory $A/data>
  Dav On
  AuthType Basic
  AuthName dflow
  AuthUserFile $A/users
  Require valid-user
</Directory>
<Directory $A/data/token>
  SetEnvIf Authorization "^Bearer dflow-dav-token$" TOKEN
  Require env TOKEN
</Directory>
C
  chown -R www-data:www-data "$A/data" "$A/locks"
  alive "$A/pid" apache2 || { rm -f "$A/pid"; setsid /usr/sbin/apache2 -f "$A/conf" >>"$A/log" 2>&1 </dev/null; }
  answers apache 22911
}

for name in ${*:-rclone apache}; do
  case $name in
    rclone | apache) "$name" ;;
    *) echo "no such server: $name" >&2; exit 2 ;;
  esac
done
