#!/usr/bin/env bash
# npm run test:systems: installs what is missing (apt, as root), starts the real systems on loopback, runs every suite of
# this folder with nothing skipped, ends what it started. DFLOW_TEST_SYSTEMS=xrootd: only these systems' own suites.
set -uo pipefail
cd "$(dirname "$0")/../.."
wanted=${DFLOW_TEST_SYSTEMS:-$(cd test/systems && ls *-install.sh | sed 's/-install.sh//' | paste -sd, -)}
bash test/systems/install.sh ${wanted//,/ } || exit
report=$(mktemp)
# The set-up of vitest starts and ends the systems.
npx vitest run --config test/systems/vitest.config.ts --reporter=default --reporter=json --outputFile.json="$report" "$@"
code=$?
node - "$report" "$wanted" <<'J' || code=1
const [file, systems] = process.argv.slice(2);
const { numTotalTests: all, numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } =
  JSON.parse(require('node:fs').readFileSync(file, 'utf8'));
console.log(`test:systems (${systems}): ${passed} of ${all} passed, ${failed} failed, ${skipped} skipped`);
process.exit(all > 0 && passed === all ? 0 : 1);
J
rm -f "$report"
exit $code
