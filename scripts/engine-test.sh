#!/bin/sh
# Runs the tests of conformance/engines: real engines from Debian's packages on the runtime under test, each file in isolated.sh.
# Usage: engine-test.sh BUILD; TESTS="word …" limits it to files whose path has one of the words, RUNT_RUNTIME=runc|crun is a
# control. The last line counts, as test.sh's does.
set -eu
build=$1
output=$build/engine-test
packages='podman buildah conmon netavark aardvark-dns catatonit containerd docker.io docker-registry iptables iproute2
  busybox-static'

[ "$(id -u)" = 0 ] || {
  echo 'skipped 1: not root'
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
}

# A package that cannot be installed is a failure of its tests: scripts/allowed-skips.txt does not have them.
missing=
for package in $packages; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
  # Nothing is to start a daemon of the machine's own.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && trap 'rm -f $policy' EXIT; }
  # Lists that are out of date are a usual reason for packages that cannot be had.
  apt-get update -q -q >/dev/null 2>&1 || :
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y --no-install-recommends $missing >"$build/engine-packages.log" 2>&1 ||
    echo "engine-test: not installed, see $build/engine-packages.log:$missing"
fi

mkdir -p "$output"
rm -f "$output"/*
files=$(find "$build/test/conformance/engines" -name '*.test.mjs' | sort)
[ -z "${TESTS:-}" ] || files=$(for word in $TESTS; do echo "$files" | grep -F -- "$word" || :; done | sort -u)

# Each file is a subtest of one TAP stream. Engines wait most of the time: two files at once.
status=0
# shellcheck disable=SC2016 # for the inner shell
echo "$files" | xargs -P 2 -I '{}' sh -c '
  name=$(basename "$1" .test.mjs)
  result=ok
  timeout -k 10 900 conformance/engines/isolated.sh node "$1" >"$2/$name.out" 2>"$2/$name.stderr" || result="not ok"
  {
    echo "# Subtest: $name"
    sed "s/^/    /" "$2/$name.out"
    echo "$result - $name"
    [ "$result" = ok ] || sed "s/^/# /" "$2/$name.stderr"
  } >"$2/$name.tap"
  [ "$result" = ok ]
' sh '{}' "$output" || status=1
cat "$output"/*.tap >"$output/all"
# Another runtime is a control: what it does not have is skipped.
case ${RUNT_RUNTIME:-$build/runt} in "$build/runt") suite=engine-test ;; *) suite=control ;; esac
echo "$files" | sed 's|.*/||; s|\.test\.mjs$||' >"$output/planned"
node scripts/count.mjs "$output/all" "$status" "$build/engine-test.counts" $suite "$output/planned"
