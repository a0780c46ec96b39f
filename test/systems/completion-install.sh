#!/usr/bin/env bash
# Installs the shells in which completion is tried, as root: bash, zsh and fish, in windows of tmux.
set -euo pipefail
for program in bash zsh fish tmux; do command -v "$program" >/dev/null || missing=yes; done
[ -n "${missing-}" ] || exit 0
export DEBIAN_FRONTEND=noninteractive
echo 'installing bash, zsh, fish and tmux'
apt-get update -qq
apt-get install -y -qq --no-install-recommends bash zsh fish tmux >/dev/null
