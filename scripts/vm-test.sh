#!/bin/sh
# Runs end-to-end tests in the virtual machines of ../shared/vm, for what this host may lack: pure cgroup v2, AppArmor, and an
# unprivileged user with a delegated cgroup; hybrid hierarchies as systemd mounts them, co-mounted controllers among them; and
# SELinux with an enforced policy.
# Succeeds if ../shared/vm does not exist; a machine that cannot be built is a failure. A file that fails runs once more: retry-failed.sh.
# Usage: vm-test.sh BUILD; TESTS="word …" limits it to files whose path contains one of the words. The last line has the counts, like test.sh's.
set -eu
build=$1
dir=$build/vm
output=$build/vm-test.tap
# Tests that depend on cgroups, on AppArmor or on the user; the emulated machine takes about ten seconds a file.
root='cgroup/bad-input cgroup/limits cgroup/mount cgroup/removal cgroup/surroundings cgroup/systemd cgroup/v2 rootless spec/apparmor spec/labels
  spec/cgroup-v2 commands/checkpoint commands/create commands/delete commands/events commands/exec commands/kill commands/pause
  commands/notify-systemd commands/ps commands/resume commands/run commands/update commands/validate default-config messages/cgroups
  messages/mounts messages/process security/restore
  security/user-namespace engines/podman-checkpoint engines/podman-limits engines/podman-systemd'
user='rootless cgroup/systemd. commands/validate-user engines/podman-rootless engines/podman-systemd'
selinux='spec/selinux'
# What differs where controllers share a hierarchy and systemd has one of its own.
hybrid='cgroup/systemd. cgroup/limits cgroup/removal cgroup/v1 commands/update'

planned=$build/vm-test.planned
status=0
: >"$output"
: >"$planned"
rm -rf "$dir"
mkdir -p "$dir"
: >"$dir/jobs"
if [ ! -e ../shared/vm ]; then
  echo 'ok - virtual machines # SKIP no ../shared/vm' >"$output"
  exec node scripts/count.mjs "$output" 0 "$build/vm-test.counts" vm-test "$planned"
fi

# The guest has no compiler.
mkdir -p build/conformance
for helper in probe aid attacker; do
  source=conformance/harness/$helper.c
  [ build/conformance/$helper -nt $source ] ||
    gcc -Wall -Wextra -Werror -O1 $([ $helper = aid ] || echo -static) -o build/conformance/$helper $source
done

# add MACHINE WHO SHARES WORDS: adds the files whose path contains one of the words as SHARES jobs, which are lines of $dir/jobs.
add() {
  scripts/choose-tests.sh "$build" "$4" >"$dir/files"
  sed "s|^.*/conformance/|$2: |" "$dir/files" >>"$planned"
  awk -v shares="$3" -v who="$1 $2" '{ files[NR % shares] = files[NR % shares] " " $0 }
    END { for (share in files) print who files[share] }' "$dir/files" >>"$dir/jobs"
}
# The longest jobs first. An emulated machine uses one CPU, so two of them run at once.
add v2 root 6 "$root"
add hybrid hybrid 1 "$hybrid"
add selinux selinux 1 "$selinux"
add v2 user 2 "$user"
awk -v dir="$dir" '{ out = dir "/" NR ".tap"; $2 = $2 " " out; print }' "$dir/jobs" |
  xargs -r -P 2 -L 1 scripts/vm-job.sh "$build" || status=1
find "$dir" -name '*.tap' -exec cat {} + >"$output"

# retry NAME TAP: NAME is "WHO: FILE". A machine that cannot be built does not run it again.
cat >"$dir/retry" <<'END'
who=${1%%:*} machine=v2
case $who in hybrid | selinux) machine=$who ;; esac
[ -e "$BUILD/vm/$machine.failed" ] || exec scripts/vm-job.sh "$BUILD" "$machine" "$who" "$2" "$BUILD/test/conformance/${1#*: }"
END
BUILD=$build scripts/retry-failed.sh "$output" "$planned" sh "$dir/retry" || status=1

for failed in "$dir"/*.failed; do
  [ -e "$failed" ] || continue
  name=$(basename "$failed" .failed) status=1
  printf 'not ok - the virtual machine %s cannot be built\n  ---\n' "$name" >>"$output"
  tail -n 5 "$dir/$name.log" | sed 's/^/  /' >>"$output"
  echo '  ...' >>"$output"
done
node scripts/count.mjs "$output" "$status" "$build/vm-test.counts" vm-test "$planned"
