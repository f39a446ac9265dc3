#!/bin/bash
# Makes PEERS/root, a Debian root with what other projects' suites need (bats, CRIU, Go, sshfs, …), because the machine's Debian is
# too old for some of it; PEERS/images, the root file systems that runc's suite would download; and, in the given checkouts, runc
# itself as a control, its suite's helper programs and the programs of the official suite. Keeps what exists.
#
#   PEERS=DIR [RUNC_SOURCE=DIR] [RUNTIME_TOOLS=DIR] scripts/peers-root.sh
#   ENGINES=DIR scripts/peers-root.sh     # only DIR/root, with today's Podman, Docker and containerd, for ENGINES=DIR make engine-test
#
# As root; takes debootstrap and the packages from the mirror of the machine's own apt configuration.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${ENGINES:-${PEERS:?the directory to make it in}}
packages=bats,jq,gawk,python3,busybox-static,criu,golang-go,gcc,make,libc6-dev,libseccomp-dev,pkg-config,git,iproute2,procps,sudo,uidmap
packages+=,sshfs,kmod,xz-utils,ca-certificates,openssh-server,openssh-client,file,attr,acl,crun,runc,iptables,nftables
engines=podman,buildah,conmon,netavark,aardvark-dns,catatonit,golang-github-containers-common,passt,slirp4netns,uidmap,fuse-overlayfs
engines+=,containerd,docker.io,docker-cli,docker-buildx,docker-registry,crun,runc,iptables,iproute2,procps,busybox-static,nodejs,gcc,libc6-dev
engines+=,ca-certificates

mirror() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }'
}

# bootstrap SUITE PACKAGES DIR: unpacks debootstrap without installing it.
bootstrap() {
  local tool=$peers/debootstrap
  if [ ! -e "$tool/usr/sbin/debootstrap" ]; then
    mkdir -p "$tool"
    (cd "$tool" && apt-get download -q -q debootstrap)
    dpkg-deb -x "$tool"/debootstrap_*.deb "$tool"
  fi
  DEBOOTSTRAP_DIR=$tool/usr/share/debootstrap bash "$tool/usr/sbin/debootstrap" --variant=minbase --include="$2" "$1" "$3" "$(mirror)" \
    >"$3.log" 2>&1 || {
    tail -n 5 "$3.log" >&2
    exit 1
  }
}

make_images() {
  local images=$peers/images bb=$peers/images/busybox id
  # Without /proc and /sys, like the image that the suite would download: it creates links there.
  mkdir -p "$bb"/{bin,dev,etc,home,root,tmp,usr/bin,usr/sbin,var}
  chmod 1777 "$bb/tmp"
  cp "$peers/root/bin/busybox" "$bb/bin/busybox"
  for applet in $("$bb/bin/busybox" --list); do ln -f "$bb/bin/busybox" "$bb/bin/$applet" 2>/dev/null || true; done
  ln -sf /bin/env "$bb/usr/bin/env"
  for id in root:0:/root daemon:1:/usr/sbin nobody:65534:/home; do
    IFS=: read -r name number home <<<"$id"
    echo "$name:x:$number:$number:$name:$home:/bin/sh" >>"$bb/etc/passwd"
    echo "$name:x:$number:" >>"$bb/etc/group"
  done
  tar -C "$bb" -cf "$images/busybox.tar" .
  bootstrap bookworm procps "$images/debian"
  rm -rf "$images"/debian/usr/share/{doc,locale,man,zoneinfo} "$images"/debian/var/{cache,lib/apt/lists}/*
  tar -C "$images/debian" --exclude='./dev/*' -cf "$images/debian.tar.new" .
  mv "$images/debian.tar.new" "$images/debian.tar"
}

mkdir -p "$peers"
if [ ! -e "$peers/root.made" ]; then
  rm -rf --one-file-system "$peers/root"
  [ -z "${ENGINES:-}" ] || packages=$engines
  bootstrap sid "$packages" "$peers/root"
  touch "$peers/root.made"
fi
[ -z "${ENGINES:-}" ] || exit 0
if [ ! -e "$peers/images/debian.tar" ]; then
  rm -rf --one-file-system "$peers/images"
  make_images
fi
# Both contain their Go modules. runc's `libpathrs` is in no Debian package.
if [ -n "${RUNC_SOURCE:-}" ] && [ ! -e "$RUNC_SOURCE/tests/cmd/_bin/key_label" ]; then
  "$here/peers-inside.sh" sh -c "git config --global --add safe.directory '*' && make -C /src/runc -s BUILDTAGS=seccomp runc test-binaries"
fi
if [ -n "${RUNTIME_TOOLS:-}" ] && [ ! -e "$RUNTIME_TOOLS/runtimetest" ]; then
  "$here/peers-inside.sh" sh -c "git config --global --add safe.directory '*' &&
    CGO_ENABLED=0 make -C /src/tools -s runtimetest validation-executables"
fi
