#!/bin/sh
# Inside the virtual machine: runs test files one after another and prints one TAP stream, in which each file is a subtest named
# by who runs it. Usage: vm-guest.sh WHO RUNT FILE…
set -eu
who=$1
# Programs and bundles are on the machine's own disk: the share cannot be mounted over, and is slow.
export TMPDIR=/var/tmp RUNT_RUNTIME=/var/tmp/runt
cp "$2" "$RUNT_RUNTIME"
shift 2
status=0
# Engines as root get a machine of their own within this one, but where they need its systemd. As the user they have this one,
# which is thrown away as well.
mkdir -p /var/tmp/engines/tmp
for file in "$@"; do
  case $who,$file in
  user,*/engines/* | *,*/engines/*-systemd.*) wrap='env RUNT_ISOLATED=/var/tmp/engines' ;;
  *,*/engines/*) wrap=conformance/engines/isolated.sh ;;
  *) wrap= ;;
  esac
  name="$who: ${file##*/conformance/}"
  echo "# Subtest: $name"
  if timeout -k 5 480 $wrap node "$file" >"$TMPDIR/tap" 2>"$TMPDIR/stderr"; then result=ok; else result='not ok' status=1; fi
  sed 's/^/    /' "$TMPDIR/tap"
  echo "$result - $name"
  [ "$result" = ok ] || sed 's/^/# /' "$TMPDIR/stderr"
done
exit $status
