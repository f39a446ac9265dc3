#!/bin/bash
# Runs a command as root in the root file system PEERS/root, which scripts/peers-root.sh makes, and in namespaces of its own (mount, pid,
# network, ipc, uts, cgroup). The command needs nothing installed on the machine and leaves nothing there: changes of
# /etc and /usr/bin, /dev, /run, /tmp and the cgroups end with it. Several can run at the same time.
# The command finds PEERS at /peers, RUNC_SOURCE at /src/runc, RUNTIME_TOOLS at /src/tools, PROJECT at /src/runt and RUNC as
# /usr/local/bin/runc.
#
#   PEERS=DIR [RUNC_SOURCE=DIR] [RUNTIME_TOOLS=DIR] [PROJECT=DIR] [RUNC=PROGRAM] scripts/peers-inside.sh COMMAND...
set -euo pipefail
cgroup=/sys/fs/cgroup
name=runt-peers-$$

# Mounted hierarchies: "DIRECTORY TYPE OPTIONS".
hierarchies() {
  awk -v base=$cgroup '$2 ~ "^" base && ($3 == "cgroup" || $3 == "cgroup2") {
    words = ""
    n = split($4, word, ",")
    for (i = 1; i <= n; i++) {
      if (word[i] ~ /^(rw|ro|.*atime|no.*|xattr|clone_children|cpuset_v2_mode|release_agent=.*|nsdelegate|memory_recursiveprot)$/) continue
      words = words (words == "" ? "" : ",") (word[i] ~ /^name=/ ? "none," : "") word[i]
    }
    print $2, $3, (words == "" ? "rw" : words)
  }' /proc/self/mounts
}

clean_up() {
  local left
  for _ in {1..50}; do
    left=$(hierarchies | while read -r dir _; do
      [ ! -e "$dir/$name" ] || find "$dir/$name" -depth -type d -exec rmdir {} + 2>/dev/null || echo "$dir"
    done)
    [ -n "$left" ] || return 0
    sleep 0.1
  done
  echo "peers-inside: cgroups left: $left" >&2
}

outside() {
  trap clean_up EXIT
  trap 'exit 130' HUP INT TERM
  hierarchies | while read -r dir _; do mkdir "$dir/$name"; done
  "$0" --join "$name" "$@" # this process stays to remove the cgroups
}

join() {
  local dir
  for dir in $(hierarchies | cut -d' ' -f1); do echo $$ >"$dir/$1/cgroup.procs"; done
  shift
  hierarchies=$(hierarchies) exec unshare --cgroup --mount --pid --net --ipc --uts --fork --kill-child --propagation private "$0" --prepare "$@"
}

make_dev() {
  local dev=$1 node
  mount -t tmpfs -o mode=755 tmpfs "$dev"
  for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229 loop-control:10:237 kmsg:1:11; do
    IFS=: read -r file major minor <<<"$node"
    mknod -m 666 "$dev/$file" c "$major" "$minor"
  done
  for node in {0..31}; do mknod -m 660 "$dev/loop$node" b 7 "$node"; done
  mkdir "$dev"/{pts,shm,mqueue,net}
  mknod -m 666 "$dev/net/tun" c 10 200
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$dev/shm"
  mount -t mqueue mqueue "$dev/mqueue"
  ln -s pts/ptmx "$dev/ptmx"
  ln -s /proc/self/fd "$dev/fd"
  for node in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${node%:*}" "$dev/${node#*:}"; done
}

make_cgroups() {
  local root=$1 dir type options
  while read -r dir type options; do
    if [ "$dir" != $cgroup ] && ! mountpoint -q "$root$cgroup"; then mount -t tmpfs -o mode=755 cgroup "$root$cgroup"; fi
    [ "$dir" = $cgroup ] || mkdir "$root$dir"
    mount -t "$type" -o "$options" cgroup "$root$dir"
  done <<<"$hierarchies"
}

overlay() {
  local layer=$1/run/layers/$2
  mkdir -p "$layer"/{upper,work}
  mount -t overlay -o "lowerdir=$1/$2,upperdir=$layer/upper,workdir=$layer/work" overlay "$1/$2"
}

prepare() {
  local root=$PEERS/root
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  make_cgroups "$root"
  make_dev "$root/dev"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$root/home"
  mkdir -p "$root"/run/{lock,netns,layers,sshd}
  overlay "$root" etc
  overlay "$root" usr/bin
  mkdir -p "$root"/{src/runc,src/tools,src/runt,peers,old}
  mount --bind "$PEERS" "$root/peers"
  [ -z "${RUNC_SOURCE:-}" ] || mount --bind "$RUNC_SOURCE" "$root/src/runc"
  [ -z "${RUNTIME_TOOLS:-}" ] || mount --bind "$RUNTIME_TOOLS" "$root/src/tools"
  [ -z "${PROJECT:-}" ] || mount --bind "$PROJECT" "$root/src/runt"
  mount -t tmpfs -o mode=755 tmpfs "$root/usr/local/bin"
  [ -z "${RUNC:-}" ] || install -m 755 "$RUNC" "$root/usr/local/bin/runc"
  ip link set lo up
  hostname peers
  cd "$root"
  pivot_root . old
  umount -l /old
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp LANG=C.UTF-8
  unset hierarchies RUNC_SOURCE RUNTIME_TOOLS PROJECT PEERS
  # Not exec: as pid 1 of its namespace this shell reaps orphans.
  "$@"
}

case ${1:-} in
--join) shift && join "$@" ;;
--prepare) shift && prepare "$@" ;;
*) outside "$@" ;;
esac
