#!/bin/sh
# Runs end-to-end tests in the virtual machine of ../shared/vm, for what this host may not have: pure cgroup v2, AppArmor, and
# an ordinary user with a delegated cgroup. First as root, then as that user. Where there is no such machine, nothing fails.
# Usage: vm-test.sh BUILD; TESTS="word …" limits it to files whose path has one of the words. The last line counts, as test.sh's.
set -eu
build=$1
vm=../shared/vm/run
output=$build/vm-test.tap
# What depends on cgroups, on AppArmor or on who runs it; the emulated machine takes about ten seconds a file.
root='cgroup/ rootless spec/apparmor commands/create commands/delete commands/events commands/exec commands/kill
  commands/pause commands/ps commands/resume commands/run commands/update default-config security/user-namespace'
user='rootless'

skip() {
  echo "skipped 1: $1"
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
}
[ -x "$vm" ] || skip 'no ../shared/vm'
"$vm" --prepare </dev/null >"$build/vm-prepare.log" 2>&1 || skip "the virtual machine cannot be built, see $build/vm-prepare.log"

# The files whose path has a word of both lists.
choose() {
  for word in $1; do find "$build/test/conformance" -name '*.test.mjs' -path "*/$word*"; done | sort -u | while read -r file; do
    [ -n "${TESTS:-}" ] || echo "$file"
    for word in ${TESTS:-}; do case $file in *"$word"*) echo "$file" && break ;; esac done
  done
}

# The guest has no compiler.
mkdir -p build/conformance
for helper in probe aid; do
  source=conformance/harness/$helper.c
  [ build/conformance/$helper -nt $source ] ||
    gcc -Wall -Wextra -Werror -O1 $([ $helper = aid ] || echo -static) -o build/conformance/$helper $source
done

status=0
: >"$output"
for who in root user; do
  eval "files=\$(choose \"\$$who\")"
  [ -n "$files" ] || continue
  as=
  [ $who = root ] || as=--user
  # shellcheck disable=SC2086 # lists of words
  "$vm" $as --timeout 900 -- scripts/vm-guest.sh $who "$build/runt" $files >>"$output" || status=$?
done
node scripts/count.mjs "$output" "$status" "$build/vm-test.counts"
