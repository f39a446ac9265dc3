#!/bin/sh
# Runs the bundled tests with tap, then a part of them on native cgroup v2, and prints, as the last line, what was counted from
# their TAP output.
# Usage: test.sh BUILD; TESTS="path …" limits it to bundles whose name contains one of the words.
set -eu
build=$1
output=$build/test.tap
# The program under test; RUNT_RUNTIME=build/runt-node tests the same commands on Node.
export RUNT_RUNTIME="${RUNT_RUNTIME:-$build/runt}"
# The engines have make engine-test.
files=$(find "$build/test" -name '*.test.mjs' ! -path '*/engines/*' | sort)
if [ -n "${TESTS:-}" ]; then
  chosen=
  for word in $TESTS; do chosen="$chosen $(printf '%s\n' "$files" | grep -F -- "$word" || true)"; done
  files=$chosen
fi
[ -n "$files" ] || {
  echo '0 passed, 0 failed, 0 skipped'
  exit 1
}
case $build in
*sanitize)
  # Node itself is not instrumented: the runtime library has to be there before it. Node leaks at exit by design.
  NODE_OPTIONS="--conditions=sanitize ${NODE_OPTIONS:-}"
  ASAN_OPTIONS=detect_leaks=0:abort_on_error=0
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  export NODE_OPTIONS ASAN_OPTIONS UBSAN_OPTIONS
  preload="env LD_PRELOAD=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)"
  ;;
*) preload= ;;
esac
# shellcheck disable=SC2086 # a list of files
printf '%s\n' $files >"$build/test.planned"
status=0
# shellcheck disable=SC2086 # lists of words
node scripts/progress.mjs "$output" "$build/test.planned" \
  $preload node_modules/.bin/tap run --disable-coverage --jobs=2 --timeout=300 --reporter=tap $files || status=$?
# Another runtime is a control: tests of features that it lacks are skipped.
case $RUNT_RUNTIME in build/sanitize/runt) suite=sanitize ;; "$build/runt") suite=test ;; *) suite=control ;; esac
result=0
node scripts/count.mjs "$output" "$status" "$build/test.counts" $suite "$build/test.planned" || result=$?
[ $suite = test ] || exit $result
# Native cgroup v2; its counts are added.
scripts/cgroup2-view.sh "$build" || result=$?
read -r passed failed skipped <"$build/test.counts"
read -r p f s <"$build/cgroup2.counts"
echo "$((passed + p)) $((failed + f)) $((skipped + s))" >"$build/test.counts"
echo "$((passed + p)) passed, $((failed + f)) failed, $((skipped + s)) skipped"
exit $result
