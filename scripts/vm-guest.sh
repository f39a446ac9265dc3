#!/bin/sh
# Inside the virtual machine: runs test files one after another and prints one TAP stream, in which each file is a subtest whose name
# starts with WHO. Usage: vm-guest.sh WHO RUNT FILE…
set -eu
who=$1
# Runs as a logged-in user, because services have other labels: Node.js generates code at run time, and the policy is enforced from here on.
if [ "$who" = selinux ]; then
  case $(id -Z) in
  *:unconfined_t:*) setenforce 1 ;;
  *)
    setsebool allow_execmem=1 allow_execstack=1
    exec runcon unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023 "$0" "$@"
    ;;
  esac
fi
# Programs and bundles are on the machine's own disk: the share is slow and cannot be mounted over.
export TMPDIR=/var/tmp RUNT_RUNTIME=/var/tmp/runt
cp "$2" "$RUNT_RUNTIME"
shift 2
status=0
# As root, engines get a machine of their own within this one, unless they need its systemd. As the user they use this one, which is
# discarded afterwards as well.
mkdir -p /var/tmp/engines/tmp
for file in "$@"; do
  case $who,$file in
  user,*/engines/* | *,*/engines/*-systemd.*) wrap='env RUNT_ISOLATED=/var/tmp/engines' ;;
  *,*/engines/*) wrap=conformance/engines/isolated.sh ;;
  *) wrap= ;;
  esac
  name="$who: ${file##*/conformance/}"
  echo "# Subtest: $name"
  if timeout -k 5 900 $wrap node "$file" >"$TMPDIR/tap" 2>"$TMPDIR/stderr"; then result=ok; else result='not ok' status=1; fi
  sed 's/^/    /' "$TMPDIR/tap"
  echo "$result - $name"
  [ "$result" = ok ] || sed 's/^/# /' "$TMPDIR/stderr"
done
exit $status
