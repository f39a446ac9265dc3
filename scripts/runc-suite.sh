#!/bin/bash
# Runs runc's own bats suite (tests/integration of a checkout of runc) against a runtime, file by file, and prints how many tests of
# each passed, failed and were skipped; the TAP output goes to build/runc-suite/. What fails and why is in docs/peers-suites.md.
# Nothing of the checkout is changed; its helper programs must be there (tests/cmd/_bin, as its own documentation has them made).
#
#   RUNC_SOURCE=DIR [RUNC=build/runt] scripts/runc-suite.sh [FILE.bats...]
#
# As root; needs bats, jq, gawk, python3, busybox-static and debootstrap.
set -euo pipefail

project=$(cd "$(dirname "$0")/.." && pwd)
source=${RUNC_SOURCE:?the directory of a checkout of runc}
work=$project/build/runc-suite
suite=$source/tests/integration
LIMIT=${LIMIT:-600} # seconds for one file; some tests that fail leave a program that keeps bats waiting

make_images() {
  [ -e "$work/debian.tar" ] && return
  local bb=$work/busybox id
  # Without /proc and /sys, as in the image that the suite would take: it makes links there.
  mkdir -p "$bb"/{bin,dev,etc,home,root,tmp,usr/bin,usr/sbin,var}
  chmod 1777 "$bb/tmp"
  cp /bin/busybox "$bb/bin/busybox"
  for applet in $(/bin/busybox --list); do ln -f "$bb/bin/busybox" "$bb/bin/$applet" 2>/dev/null || true; done
  ln -sf /bin/env "$bb/usr/bin/env"
  for id in root:0:/root daemon:1:/usr/sbin nobody:65534:/home; do
    IFS=: read -r name number home <<<"$id"
    echo "$name:x:$number:$number:$name:$home:/bin/sh" >>"$bb/etc/passwd"
    echo "$name:x:$number:" >>"$bb/etc/group"
  done
  tar -C "$bb" -cf "$work/busybox.tar" .
  debootstrap --variant=minbase --include=procps bookworm "$work/debian" >"$work/debootstrap.log"
  rm -rf "$work"/debian/usr/share/{doc,locale,man,zoneinfo} "$work"/debian/var/{cache,lib/apt/lists}/*
  tar -C "$work/debian" --exclude='./dev/*' -cf "$work/debian.tar" .
}

# In namespaces of its own, as their first process: what the suite makes below /dev, /run and TMPDIR must not be the host's.
run_file() {
  mount --make-rprivate /
  local dev=$work/dev node
  mkdir -p "$dev" "$work/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$dev"
  cp -a /dev/{null,zero,full,random,urandom,tty,kmsg,fuse,loop*,fd,stdin,stdout,stderr} "$dev"/ 2>/dev/null || true
  for node in {0..63}; do [ -e "$dev/loop$node" ] || mknod "$dev/loop$node" b 7 "$node"; done
  mkdir "$dev"/{pts,shm,mqueue}
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$dev/pts"
  ln -s pts/ptmx "$dev/ptmx"
  mount --rbind "$dev" /dev
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/lock /run/netns
  mount -t tmpfs -o mode=755 tmpfs "$work/tmp"
  printf '#!/bin/sh\necho BUSYBOX_IMAGE=%s/busybox.tar\necho DEBIAN_IMAGE=%s/debian.tar\n' "$work" "$work" >"$work/get-images"
  chmod +x "$work/get-images"
  mount --bind "$work/get-images" "$suite/get-images.sh"
  ip link set lo up
  cd "$suite"
  # Its tests need a controlling terminal. Not exec: this shell reaps what they leave.
  TMPDIR=$work/tmp python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' bats --tap "$1" </dev/null | stdbuf -oL tr -d '\r'
}

if [ "${1:-}" = --inside ]; then
  run_file "$2"
  exit
fi
mkdir -p "$work"
make_images
[ -e "$source/tests/cmd/_bin/recvtty" ] || { echo "runc-suite: no helper programs in $source/tests/cmd/_bin" >&2; exit 1; }
RUNC=$(realpath "${RUNC:-$project/build/runt}")
# The suite looks for the name in versions and help pages.
cp "$RUNC" "$work/runc"
export RUNC=$work/runc RUNC_SOURCE
[ $# -gt 0 ] || set -- "$suite"/*.bats
for file in "$@"; do
  name=$(basename "$file")
  timeout -k 5 "$LIMIT" unshare --mount --pid --net --ipc --uts --fork --mount-proc --kill-child \
    "$0" --inside "$name" >"$work/$name.tap" 2>&1 || true
  skipped=$(grep -c '^ok.*# skip' "$work/$name.tap" || true)
  passed=$(($(grep -c '^ok' "$work/$name.tap" || true) - skipped))
  echo "${name%.bats}: $passed passed, $(grep -c '^not ok' "$work/$name.tap" || true) failed, $skipped skipped"
done
