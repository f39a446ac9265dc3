#!/bin/sh
# Runs the test files whose path has one of the words of TESTS, one after another, with all that they print. Nothing else is
# built than the program: what needs more is skipped, or says what it needs. Usage: try.sh BUILD
set -eu
build=$1
files=$(for word in $TESTS; do find src addon seccomp-bpf-js conformance fuzz -name '*.test.ts' -path "*$word*"; done | sort -u)
[ -n "$files" ] || {
  echo "try: no test file has a path with one of: $TESTS" >&2
  exit 1
}
# shellcheck disable=SC2086 # a list of files
node scripts/bundle.mjs test "$build/try" $files
status=0
for file in $files; do
  RUNT_RUNTIME=$build/runt TAP_TIMEOUT=300 timeout 900 node "$build/try/${file%.ts}.mjs" || status=1
done
exit $status
