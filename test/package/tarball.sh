#!/usr/bin/env bash
# tarball.sh [NODE]: packs the project as `npm publish` would, installs the tarball into an empty prefix with this Node,
# and uses it there as a newcomer does: version, help, man page, completion, the demo. Needs npm's registry.
set -euo pipefail
cd "$(dirname "$0")/../.."
node=$(realpath "${1:-$(command -v node)}")
npm=$(realpath "$(command -v npm)")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf 'tarball (node %s): %s\n' "$("$node" --version)" "$*"; }

tarball=$(npm pack --silent --ignore-scripts --pack-destination "$work")
mkdir "$work/bin"
ln -s "$node" "$work/bin/node"
export PATH=$work/bin:$PATH npm_config_prefix=$work/prefix npm_config_prefer_offline=true
"$node" "$npm" install --global --silent --no-audit --no-fund "$work/$tarball"
PATH=$work/prefix/bin:$PATH
[ "$(command -v dflow)" = "$work/prefix/bin/dflow" ] || { say 'dflow is not in the prefix'; exit 1; }
dflow --version | grep -q "^dflow/$(node -p "require('./package.json').version") " || { say 'wrong version'; exit 1; }
say "$(dflow --version)"

# Every page is where man looks: beside the prefix's bin folder.
for page in man/*.1; do
  [ -e "$work/prefix/share/$(dirname "$page")/man1/$(basename "$page")" ] || { say "$page is not installed"; exit 1; }
done
if command -v man > /dev/null; then
  found=$(man -M "$work/prefix/share/man" -w dflow dflow-submit)
  say "man -w: $(echo "$found" | wc -l) pages found"
else
  say 'LEFT OUT: man -w (no man program here); the pages are in place'
fi

cd "$work"
dflow completion bash | grep -q dflow || { say 'no completion'; exit 1; }
dflow --help | grep -q 'register' || { say 'no help'; exit 1; }
dflow demo "$work/demo" > demo.log 2>&1 || { tail -5 demo.log; say 'the demo failed'; exit 1; }
say "the demo: $(cd demo && dflow list jobs --state completed --json | wc -l) passes completed"
# A credentials file is read by the built product too: the server is away (3), nothing is a defect.
printf '127.0.0.1:1: {user: a, password: b}\n' > login.yaml && chmod 600 login.yaml
code=0
(cd demo && DFLOW_STORE=http://127.0.0.1:1/db DFLOW_CREDENTIALS=$work/login.yaml dflow status > ../store.log 2>&1) || code=$?
[ "$code" = 3 ] || { cat store.log; say "a credentials file: exit $code instead of 3"; exit 1; }
say ok
