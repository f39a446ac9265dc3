#!/bin/sh
# Runs the tests of conformance/engines: real engines from Debian's packages on the runtime under test, each file in isolated.sh.
# Usage: engine-test.sh BUILD; TESTS="word …" limits it to files whose path contains one of the words, RUNT_RUNTIME=runc|crun is a
# control. The last line has the counts, like test.sh's. ENGINES=DIR uses the engines of DIR/root, a Debian sid that is created if it
# does not exist, instead of the machine's, and installs nothing.
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

# A package that cannot be installed makes its tests fail: scripts/allowed-skips.txt does not list them.
missing=
[ -z "${ENGINES:-}" ] || {
  packages=
  mkdir -p "$ENGINES"
  scripts/peers-root.sh
}
for package in $packages; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
  # Prevents packages from starting daemons.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && trap 'rm -f $policy' EXIT; }
  # Outdated package lists are a frequent reason for failed installations.
  apt-get update -q -q >/dev/null 2>&1 || :
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get install -q -q -y --no-install-recommends $missing >"$build/engine-packages.log" 2>&1 ||
    echo "engine-test: not installed, see $build/engine-packages.log:$missing"
fi

mkdir -p "$output"
rm -f "$output"/*
files=$(find "$build/test/conformance/engines" -name '*.test.mjs' | sort)
[ -z "${TESTS:-}" ] || files=$(for word in $TESTS; do echo "$files" | grep -F -- "$word" || :; done | sort -u)

# in-engines COMMAND…: runs it in the root with the engines; files have the same names there, relative to the project.
cat >"$output/in-engines" <<'END'
[ -n "${ENGINES:-}" ] || exec conformance/engines/isolated.sh "$@"
# isolated.sh puts the stores of the engines on a disk below TMPDIR.
PEERS=$ENGINES PROJECT=$PWD exec scripts/peers-inside.sh sh -c 'cd /src/runt && TMPDIR=/var/tmp exec conformance/engines/isolated.sh "$@"' sh "$@"
END

# run-file NAME TAP: writes one subtest of the TAP stream to the file TAP.
cat >"$output/run-file" <<'END'
name=$1
result=ok
file=$(find "$BUILD/test/conformance/engines" -name "$name.test.mjs")
timeout -k 10 900 sh "$OUTPUT/in-engines" node "$file" >"$OUTPUT/$name.out" 2>"$OUTPUT/$name.stderr" || result="not ok"
{
  echo "# Subtest: $name"
  sed "s/^/    /" "$OUTPUT/$name.out"
  echo "$result - $name"
  [ "$result" = ok ] || sed "s/^/# /" "$OUTPUT/$name.stderr"
} >"$2"
END
export BUILD="$build" OUTPUT="$output"
echo "$files" | sed '/^$/d; s|.*/||; s|\.test\.mjs$||' >"$output/planned"
# Engines wait most of the time: two files at once.
xargs -P 2 -I '{}' sh "$output/run-file" '{}' "$output/{}.tap" <"$output/planned" || :
cat "$output"/*.tap >"$output/all"
status=0
scripts/retry-failed.sh "$output/all" "$output/planned" sh "$output/run-file" || status=1
# Another runtime is a control: tests of features that it lacks are skipped.
case ${RUNT_RUNTIME:-$build/runt} in "$build/runt") suite=engine-test ;; *) suite=control ;; esac
node scripts/count.mjs "$output/all" "$status" "$build/engine-test.counts" $suite "$output/planned"
