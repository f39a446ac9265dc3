#!/bin/sh
# Runs each test file that failed or has no result once more, alone: engines, emulated machines and their kernels have races of their own.
# The new result replaces the old one, and "flaky: NAME" is printed if the file passes now. Fails if a file fails again.
# Usage: retry-failed.sh TAP PLANNED COMMAND…; each line of PLANNED is the name of a file, and a subtest of TAP. COMMAND is called with NAME
# and OUTPUT and writes the subtest to OUTPUT; if it writes nothing, the old result stays.
set -eu
tap=$1 planned=$2
shift 2
status=0
cp "$tap" "$tap.first"
while read -r name; do
  ! grep -qxF "ok - $name" "$tap" || continue
  : >"$tap.again"
  "$@" "$name" "$tap.again" </dev/null || :
  [ -s "$tap.again" ] || continue
  awk -v begin="# Subtest: $name" '/^# Subtest: / { skip = $0 == begin } !skip' "$tap" >"$tap.others"
  cat "$tap.others" "$tap.again" >"$tap"
  if grep -qxF "ok - $name" "$tap.again"; then
    echo "flaky: $name failed and passed when it ran alone; see $tap.first"
  else
    status=1
  fi
done <"$planned"
exit $status
