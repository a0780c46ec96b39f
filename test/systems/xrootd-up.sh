#!/usr/bin/env bash
# Real XRootD servers as storage elements, loopback only, as root, without systemd. Idempotent: what is up stays up.
#   xrootd-up.sh [a] [b] [full] [c] [d]     default: a b full
# a, b: root:// on 21094, 21095 and HTTP/WebDAV on 28094, 28095; full: root:// on 21096, 24 MiB of disk.
# c, d (21097, 28097; 21098, 28098): for what kills its servers again and again, or fills them: fan-out, benchmarks.
# Files are below $DFLOW_SYSTEMS/xrootd/<name>/data. They run as user xrootd.
set -euo pipefail
BASE=${DFLOW_SYSTEMS:-/opt/dflow-systems}
X=$BASE/xrootd
HOST=$(hostname -s)
getent hosts "$HOST" >/dev/null || echo "127.0.0.1 $HOST" >>/etc/hosts
install -d -m 755 "$BASE" "$X"
chmod 755 "$BASE"
# One at a time: of two that start the same server the second would write its pid over the first one's, who then stays
# for ever. -o: the servers do not inherit the lock.
[ -n "${DFLOW_LOCKED-}" ] || DFLOW_LOCKED=1 exec flock -o "$X/lock" bash "$0" "$@"

alive() {
  local pid
  [ -s "$1" ] && pid=$(cat "$1") && [ -d "/proc/$pid" ] && grep -qa xrootd "/proc/$pid/cmdline"
}

# There is no directive to listen on one address: a shim turns bind(any) into bind(loopback).
if [ ! -e "$X/loopback.so" ]; then
  gcc -shared -fPIC -O1 -o "$X/loopback.so.$$" -x c - -ldl <<'C'
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <sys/socket.h>
int bind(int fd, const struct sockaddr *address, socklen_t length) {
  static int (*real)(int, const struct sockaddr *, socklen_t);
  if (!real) real = dlsym(RTLD_NEXT, "bind");
  if (address->sa_family == AF_INET && ((const struct sockaddr_in *)address)->sin_addr.s_addr == INADDR_ANY) {
    struct sockaddr_in loopback = *(const struct sockaddr_in *)address;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return real(fd, (const struct sockaddr *)&loopback, sizeof loopback);
  }
  return real(fd, address, length);
}
C
  mv "$X/loopback.so.$$" "$X/loopback.so"
fi
# The COPY handler is loaded only where TLS is configured: a throw-away certificate.
install -d -o xrootd -g xrootd -m 700 "$X/tls"
if [ ! -s "$X/tls/cert.pem" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$X/tls/key.pem" -out "$X/tls/cert.pem" -days 3650 \
    -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null
  chown xrootd:xrootd "$X/tls/cert.pem" "$X/tls/key.pem"
  chmod 600 "$X/tls/key.pem"
fi

start() {
  local name=$1 port=$2 http=${3:-} S=$X/$1
  alive "$S/xrootd.pid" && return 0
  install -d -o xrootd -g xrootd -m 755 "$S" "$S/data" "$S/run" "$S/log"
  if [ "$name" = full ] && ! grep -q " $S/data tmpfs " /proc/mounts; then
    mount -t tmpfs -o size=24m,uid="$(id -u xrootd)",gid="$(id -g xrootd)",mode=755 dflow-full "$S/data"
  fi
  {
    cat <<C
all.role server
all.export / r/w
oss.localroot $S/data
all.adminpath $S/run
all.pidpath $S/run
xrd.port $port
xrd.network nodnr
xrd.allow host localhost
xrd.allow host $HOST
xrootd.async off
xrootd.chksum max 8 adler32 md5
ofs.tpc autorm ttl 30 60 xfr 8 pgm /usr/bin/xrdcp --server
ofs.persist manual hold 0
C
    [ -z "$http" ] || cat <<C
xrd.protocol http:$http libXrdHttp.so
xrd.tls $X/tls/cert.pem $X/tls/key.pem
xrd.tlsca certfile $X/tls/cert.pem
http.exthandler xrdtpc libXrdHttpTPC.so
http.desthttps no
http.selfhttps2http no
C
  } >"$S/xrootd.cfg"
  rm -f "$S/xrootd.pid"
  # After a kill the port may be taken for a moment.
  for _ in 1 2 3 4 5; do
    (cd "$S/run" && LD_PRELOAD=$X/loopback.so xrootd -I v4 -R xrootd -b -k 3 -l "$S/log/xrootd.log" -s "$S/xrootd.pid" \
      -c "$S/xrootd.cfg" -n "$name" >/dev/null 2>&1) && break
    sleep 1
  done
  for _ in $(seq 100); do
    XRD_CONNECTIONWINDOW=2 XRD_CONNECTIONRETRY=1 xrdfs "localhost:$port" query config version >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  tail -20 "$S/log/$name/xrootd.log" "$S/log/xrootd.log" >&2 2>/dev/null || true
  echo "xrootd $name did not start" >&2
  return 1
}

for name in ${*:-a b full}; do
  case $name in
    a) start a 21094 28094 ;;
    b) start b 21095 28095 ;;
    full) start full 21096 ;;
    c) start c 21097 28097 ;;
    d) start d 21098 28098 ;;
    *) echo "no such server: $name" >&2; exit 2 ;;
  esac
done
