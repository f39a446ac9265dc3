#!/bin/bash
# Runs runc's own bats suite (tests/integration of a checkout of runc) against a runtime, file by file, and prints how many tests of
# each passed, failed and were skipped; the TAP output goes to build/runc-suite/root or rootless. docs/peers-suites.md explains the
# failures. The only change to the checkout is that its programs are built there.
#
#   RUNC_SOURCE=DIR [RUNC=build/runt] [PEERS=build/peers] scripts/runc-suite.sh [--rootless] [FILE.bats...]
#
# --rootless runs runc's tests/rootless.sh: each file four times, for every set of the features idmap and cgroup.
# As root. Made on first use: PEERS, by scripts/peers-root.sh.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
LIMIT=${LIMIT:-600} # seconds for one file; some tests that fail leave a program that keeps bats waiting

# Its tests need a controlling terminal.
on_terminal() {
  python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@" </dev/null | stdbuf -oL tr -d '\r'
}

run_root() { on_terminal bats --tap "$1"; }

run_rootless() {
  useradd --create-home rootless
  # It also stops if no other user has subordinate ids.
  echo other:1000000:1 | tee -a /etc/subuid >>/etc/subgid
  echo 127.0.0.1 peers >>/etc/hosts
  echo 'Defaults env_keep += "RUNC"' >/etc/sudoers.d/peers
  # rootless.sh stops at the first set of features in which a test fails.
  # shellcheck disable=SC2016 # for that shell
  printf '#!/bin/sh\n/usr/bin/bats --tap "$@" || :\n' >/usr/local/bin/bats
  chmod 755 /usr/local/bin/bats
  ROOTLESS_TESTPATH=/$1 on_terminal /src/runc/tests/rootless.sh
}

# In scripts/peers-inside.sh.
run_file() {
  printf '#!/bin/sh\necho BUSYBOX_IMAGE=/peers/images/busybox.tar\necho DEBIAN_IMAGE=/peers/images/debian.tar\n' >/run/get-images
  chmod 755 /run/get-images
  mount --bind /run/get-images /src/runc/tests/integration/get-images.sh
  cd /src/runc/tests/integration
  export RUNC=/usr/local/bin/runc
  "run_$1" "$2"
}

if [ "${1:-}" = --inside ]; then
  run_file "$2" "$3"
  exit
fi
how=root
if [ "${1:-}" = --rootless ]; then
  how=rootless
  shift
fi
: "${RUNC_SOURCE:?the directory of a checkout of runc}"
RUNC_SOURCE=$(realpath "$RUNC_SOURCE")
RUNC=$(realpath "${RUNC:-$project/build/runt}")
PEERS=$(realpath -m "${PEERS:-$project/build/peers}")
export PEERS RUNC RUNC_SOURCE
"$project/scripts/peers-root.sh"
output=${OUTPUT:-$project/build/runc-suite}/$how
mkdir -p "$output"
cp "$RUNC" "$output/runc" # the program under test must not change during the run
RUNC=$output/runc
install -m 755 "$0" "$PEERS/suite.$$"
trap 'rm -f "$PEERS/suite.$$"' EXIT
[ $# -gt 0 ] || set -- "$RUNC_SOURCE"/tests/integration/*.bats
passed=0 failed=0 skipped=0
for file in "$@"; do
  name=$(basename "$file")
  tap=$output/${name%.bats}.tap
  timeout -k 5 "$LIMIT" "$project/scripts/peers-inside.sh" "/peers/suite.$$" --inside "$how" "$name" </dev/null >"$tap" 2>&1 || true
  s=$(grep -c '^ok.*# skip' "$tap" || true)
  p=$(($(grep -c '^ok' "$tap" || true) - s))
  f=$(grep -c '^not ok' "$tap" || true)
  planned=$(sed -n 's/^1\.\.//p' "$tap" | awk '{ sum += $1 } END { print sum + 0 }')
  missing=$((planned - p - f - s))
  echo "| ${name%.bats} | $p / $f / $s$([ $missing = 0 ] || echo " ($missing not run)") |"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "| **all** | **$passed / $failed / $skipped** |"
