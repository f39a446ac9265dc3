#!/bin/sh
# Runs end-to-end tests in the virtual machine of ../shared/vm, for what this host may not have: pure cgroup v2, AppArmor, and
# an ordinary user with a delegated cgroup; then hybrid hierarchies as systemd mounts them, joint controllers among them.
# Where there is no ../shared/vm, nothing fails; a machine that cannot be built is a failure.
# Usage: vm-test.sh BUILD; TESTS="word …" limits it to files whose path has one of the words. The last line counts, as test.sh's.
set -eu
build=$1
vm=../shared/vm/run
output=$build/vm-test.tap
# What depends on cgroups, on AppArmor or on who runs it; the emulated machine takes about ten seconds a file.
root='cgroup/bad-input cgroup/limits cgroup/mount cgroup/removal cgroup/surroundings cgroup/systemd cgroup/v2 rootless spec/apparmor spec/labels
  spec/cgroup-v2 commands/checkpoint commands/create commands/delete commands/events commands/exec commands/kill commands/pause
  commands/notify-systemd commands/ps commands/resume commands/run commands/update default-config security/user-namespace
  engines/podman-checkpoint engines/podman-limits engines/podman-systemd'
user='rootless cgroup/systemd. engines/podman-rootless engines/podman-systemd'
# What differs where controllers share a hierarchy and systemd has one of its own.
hybrid='cgroup/systemd. cgroup/limits cgroup/removal cgroup/v1 commands/update'

planned=$build/vm-test.planned
status=0
: >"$output"
: >"$planned"

# prepare OPTION…: builds the machine and saves its state.
prepare() {
  [ -e ../shared/vm ] || {
    echo "ok - virtual machine $* # SKIP no ../shared/vm" >>"$output"
    return 1
  }
  timeout -k 10 900 "$vm" "$@" --prepare </dev/null >"$build/vm-prepare.log" 2>&1 && return
  printf 'not ok - the virtual machine%s cannot be built\n  ---\n' "${*:+ ($*)}" >>"$output"
  tail -n 5 "$build/vm-prepare.log" | sed 's/^/  /' >>"$output"
  echo '  ...' >>"$output"
  return 1
}

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

# in_vm WHO WORDS OPTION…: runs the files that have one of the words, if any.
in_vm() {
  who=$1
  files=$(choose "$2")
  shift 2
  [ -n "$files" ] || return 0
  for file in $files; do echo "$who: ${file##*/conformance/}" >>"$planned"; done
  # shellcheck disable=SC2086 # a list of files
  "$vm" "$@" --timeout 1800 -- scripts/vm-guest.sh "$who" "$build/runt" $files >>"$output" || status=$?
}
if prepare; then
  in_vm root "$root"
  in_vm user "$user" --user
fi
if prepare --cgroup hybrid; then in_vm hybrid "$hybrid" --cgroup hybrid; fi
node scripts/count.mjs "$output" "$status" "$build/vm-test.counts" vm-test "$planned"
