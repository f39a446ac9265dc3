#!/bin/sh
# One run of a virtual machine for vm-test.sh: prepares the machine if no run before has, then runs the files in it.
# Usage: vm-job.sh BUILD MACHINE WHO OUTPUT FILE…; MACHINE is v2, hybrid or selinux; the TAP stream goes to OUTPUT.
set -eu
build=$1 machine=$2 who=$3 output=$4
shift 4
dir=$build/vm
vm=../shared/vm/run
case $machine in
v2) options= ;;
hybrid) options='--cgroup hybrid' ;;
selinux) options= vm=scripts/vm/selinux ;;
esac

# One at a time: an image is built with packages that are installed on this machine first.
{
  flock 9
  if [ ! -e "$dir/$machine.log" ]; then
    # shellcheck disable=SC2086 # a list of words
    timeout -k 10 900 "$vm" $options --prepare </dev/null >"$dir/$machine.log" 2>&1 9>&- || touch "$dir/$machine.failed"
  fi
} 9>"$dir/prepare.lock"
if [ -e "$dir/$machine.failed" ]; then
  : >"$output"
  exit
fi
[ "$who" != user ] || options="$options --user"
# shellcheck disable=SC2086 # a list of words
"$vm" $options --timeout 3000 -- scripts/vm-guest.sh "$who" "$build/runt" "$@" >"$output" || :
