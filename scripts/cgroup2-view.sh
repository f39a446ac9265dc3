#!/bin/sh
# Runs the end-to-end tests that need no controllers of cgroup v2 with ../shared/cgroup2-view: on the v2 hierarchy of a hybrid host, natively
# and at full speed. make vm-test covers controllers, systemd and AppArmor. scripts/test.sh calls this after its own files.
# Usage: cgroup2-view.sh BUILD; TESTS as for test.sh. The last line counts, as test.sh's.
set -eu
build=$1
view=../shared/cgroup2-view
output=$build/cgroup2.tap
planned=$build/cgroup2.planned
# Tests that create, join, read or remove cgroups, use a device program, or look at the cgroup mount.
words='cgroup/bad-input cgroup/killed cgroup/limits cgroup/surroundings cgroup/v2 commands/create commands/delete commands/events commands/exec
  commands/kill commands/pause commands/ps commands/resume commands/run. commands/start commands/state commands/validate default-config
  messages/cgroups messages/commands messages/program rootless
  security/claims security/devices security/user-namespace spec/cgroup-v2 spec/lifecycle spec/namespaces'

files=$(scripts/choose-tests.sh "$build" "$words")
# shellcheck disable=SC2086 # a list of files
printf '%s\n' $files >"$planned"
status=0
if [ -z "$files" ]; then
  echo '0 0 0' >"$build/cgroup2.counts"
  exit
elif [ ! -x "$view" ]; then
  echo "ok - native cgroup v2 # SKIP no $view" >"$output"
  : >"$planned"
else
  # shellcheck disable=SC2086
  node scripts/progress.mjs "$output" "$planned" \
    "$view" node_modules/.bin/tap run --disable-coverage --jobs=2 --timeout=300 --reporter=tap $files || status=$?
fi
node scripts/count.mjs "$output" "$status" "$build/cgroup2.counts" cgroup2 "$planned"
