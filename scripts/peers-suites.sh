#!/bin/bash
# Runs other projects' suites against the runtime and prints their tables: runc's as root and rootless, and the official one. Prints the
# names of failed tests without judging them: those that docs/peers-suites.md does not list are bugs of the runtime.
#
#   RUNC_SOURCE=DIR RUNTIME_TOOLS=DIR [RUNC=build/runt] scripts/peers-suites.sh
#
# As root. Without one of the directories, its suite is left out.
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
cd "$project"
export RUNC=${RUNC:-build/runt} PEERS=${PEERS:-$project/build/peers}
"$project/scripts/peers-root.sh"

runc_suite() {
  printf '\n%s\n\n' "runc's suite, $1: passed / failed / skipped"
  scripts/runc-suite.sh ${2:+"$2"}
  echo
  (cd "${OUTPUT:-build/runc-suite}/$1" && grep -H '^not ok' ./*.tap) || true
}

if [ -n "${RUNC_SOURCE:-}" ]; then
  runc_suite root
  runc_suite rootless --rootless
fi
if [ -n "${RUNTIME_TOOLS:-}" ]; then
  printf '\nthe official suite\n\n'
  node scripts/bundle.mjs test build/one conformance/suites/official/suite.test.ts
  # Prints the counts and every failure with its reason, instead of Node's report.
  RUNT_RUNTIME=$RUNC node build/one/conformance/suites/official/suite.test.mjs >build/official-suite.tap 2>&1 || true
  grep -E '^ *not ok|known: |a known fault did not show|official suite:' build/official-suite.tap | sed 's/^ *//' || true
  # A suite that could not be run prints none.
  grep -q '# official suite:' build/official-suite.tap || {
    tail -n 5 build/official-suite.tap >&2
    exit 1
  }
fi
