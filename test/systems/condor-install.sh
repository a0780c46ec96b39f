#!/usr/bin/env bash
# HTCondor from Debian trixie in a folder of its own (Debian 12 has none), made once a machine: about 70 s, 700 MB; with
# the XRootD client, as a worker node of a grid site has it.
# Needs root, and the machine's own Debian mirror.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
BASE=${DFLOW_SYSTEMS:-/opt/dflow-systems}
ROOT=$BASE/condor/root
USER_NAME=dflowtest USER_ID=2001
packages='condor procps time xrootd-client'
# What an older version of this script installed gets what it lacks.
complete() { [ "$(cat "$ROOT/.complete" 2>/dev/null)" = "$packages" ]; }
! complete || exit 0
install -d -m 755 "$BASE" "$BASE/condor"

# Two runs at once would unpack into one folder.
exec 9>"$BASE/condor/install.lock"
flock 9
! complete || exit 0

command -v debootstrap >/dev/null || {
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}
if [ ! -x "$ROOT/usr/bin/apt-get" ] || [ ! -e "$ROOT/.bootstrapped" ]; then
  rm -rf "$ROOT"
  mirror=$(sed -nE 's/^URIs: *([^ ]*\/debian)\/? *$/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
  echo "debootstrap trixie into $ROOT"
  debootstrap --variant=minbase trixie "$ROOT" ${mirror:+"$mirror"} >"$BASE/condor/debootstrap.log" 2>&1 ||
    { tail -n 20 "$BASE/condor/debootstrap.log" >&2; exit 1; }
  touch "$ROOT/.bootstrapped"
fi
# No daemon is started by a package.
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
cp -L /etc/resolv.conf "$ROOT/etc/resolv.conf"
for file in /etc/apt/apt.conf.d/*proxy*; do [ ! -e "$file" ] || cp "$file" "$ROOT/etc/apt/apt.conf.d/"; done
echo "installing $packages"
{
  chroot "$ROOT" apt-get update -qq
  chroot "$ROOT" apt-get install -y -qq --no-install-recommends $packages
} >"$BASE/condor/install.log" 2>&1 || { tail -n 20 "$BASE/condor/install.log" >&2; exit 1; }
# The same user inside and outside: root may not submit.
getent passwd $USER_NAME >/dev/null || useradd -u $USER_ID -m -s /bin/sh $USER_NAME
chroot "$ROOT" getent passwd $USER_NAME >/dev/null ||
  chroot "$ROOT" useradd -u "$(id -u $USER_NAME)" -m -s /bin/sh $USER_NAME
echo "$packages" >"$ROOT/.complete"
