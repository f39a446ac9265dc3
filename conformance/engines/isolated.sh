#!/bin/sh
# Runs a command as root in namespaces of its own (mount, network, pid, ipc, uts, cgroup), so that engines can use their default
# paths without seeing or changing anything of the machine: /etc, /run, /dev/shm, /var/lib, /usr/local/bin, /sys and every cgroup
# hierarchy belong to the command and are removed when it ends. The runtime under test is copied to where engines
# look for it, /usr/local/bin/runt.
# Usage: isolated.sh COMMAND…; it runs with RUNT_ISOLATED set to a scratch directory on a disk.
set -eu
cgroup=/sys/fs/cgroup

# Prints every mounted cgroup hierarchy as "DIRECTORY TYPE OPTIONS", with only those options that are controllers, cgroups(7).
hierarchies() {
  while read -r _ dir type options _; do
    case $dir,$type in
    $cgroup,cgroup2 | $cgroup/*,cgroup | $cgroup/*,cgroup2) ;;
    *) continue ;;
    esac
    words=
    for word in $(echo "$options" | tr , ' '); do
      case $word in
      rw | *atime | no* | xattr | clone_children | cpuset_v2_mode | release_agent=* | nsdelegate | memory_recursiveprot) ;;
      name=*) words=none,$word ;;
      *) words=$words${words:+,}$word ;;
      esac
    done
    echo "$dir $type ${words:-rw}"
  done </proc/self/mounts
}

# A v1 hierarchy that was unmounted while it had a cgroup is still in /proc/PID/cgroup, where containerd finds it and then fails to
# read statistics: so mount it. Prints the mount point.
mount_unreachable() {
  while IFS=: read -r _ controllers _; do
    dir=$cgroup/$controllers
    [ -n "$controllers" ] && ! grep -q "^cgroup .*[ ,]$controllers[ ,]" /proc/self/mounts || continue
    if mkdir "$dir" && mount -t cgroup -o "$controllers" cgroup "$dir"; then echo "$dir"; fi
  done </proc/self/cgroup
}

# Killed processes leave their cgroups soon, but not at once.
clean_up() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    find $cgroup -depth -type d -path "*/$name*" -exec rmdir {} ';' 2>/dev/null || :
    [ -n "$(find $cgroup -maxdepth 2 -type d -name "$name")" ] || break
    sleep 0.3
  done
  while read -r dir; do umount "$dir" && rmdir "$dir"; done <"$scratch/mounted"
  rm -rf --one-file-system "$scratch"
}

outside() {
  name=runtengine$$
  scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/$name.XXXXXX")
  chmod 755 "$scratch"
  trap clean_up EXIT
  trap 'exit 130' HUP INT TERM
  mount_unreachable >"$scratch/mounted"
  hierarchies >"$scratch/hierarchies"
  while read -r dir _; do mkdir "$dir/$name"; done <"$scratch/hierarchies"
  # This process stays in its own cgroup: it must remove the others.
  RUNT_ISOLATED=$scratch "$0" --enter "$name" "$@"
}

enter() {
  name=$1
  shift
  while read -r dir _; do echo $$ >"$dir/$name/cgroup.procs"; done <"$RUNT_ISOLATED/hierarchies"
  exec unshare --cgroup -- "$0" --leave-root "$name" "$@"
}

# On v2 a cgroup with processes cannot enable controllers, so the root of the new cgroup namespace must have none.
leave_root() {
  if [ -e "$cgroup/$1/cgroup.procs" ]; then
    mkdir "$cgroup/$1/init"
    echo $$ >"$cgroup/$1/init/cgroup.procs"
  fi
  shift
  exec unshare --mount --net --pid --ipc --uts --fork --kill-child --propagation private -- "$0" --inside "$@"
}

mount_cgroups() {
  while read -r dir type options; do
    [ $dir != $cgroup ] || {
      mount -t $type cgroup2 $dir
      continue
    }
    mountpoint -q $cgroup || mount -t tmpfs -o mode=755 cgroup $cgroup
    # crun 1.8 starts no container if the v2 hierarchy beside v1 has a controller, such as hugetlb here: it is not mounted for crun.
    case ${RUNT_RUNTIME:-},$type in *crun,cgroup2) continue ;; esac
    mkdir "$dir"
    mount -t $type -o "$options" cgroup "$dir"
  done <"$RUNT_ISOLATED/hierarchies"
}

# Changes go to a separate layer.
overlay() {
  layer=$RUNT_ISOLATED/layer$(echo "$1" | tr / -)
  mkdir -p "$layer/upper" "$layer/work"
  mount -t overlay -o "lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" overlay "$1"
}

inside() {
  securityfs=$(awk '$3 == "securityfs"' /proc/self/mounts)
  umount -R /sys
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  [ -z "$securityfs" ] || mount -t securityfs securityfs /sys/kernel/security
  mount_cgroups
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
  mkdir /run/lock
  for dir in /etc /usr/local/bin /var/lib; do overlay $dir; done
  # Image stores use overlayfs, which cannot have its upper layer on another overlayfs.
  for store in containers containerd docker; do
    mkdir -p /var/lib/$store "$RUNT_ISOLATED/$store"
    mount --bind "$RUNT_ISOLATED/$store" /var/lib/$store
  done
  hostname engines
  ip link set lo up
  mkdir "$RUNT_ISOLATED/tmp" "$RUNT_ISOLATED/home"
  export TMPDIR="$RUNT_ISOLATED/tmp" HOME="$RUNT_ISOLATED/home"
  case ${RUNT_RUNTIME:-build/runt} in
  */runt)
    cp "${RUNT_RUNTIME:-build/runt}" /usr/local/bin/runt
    export RUNT_RUNTIME=/usr/local/bin/runt
    ;;
  esac
  # Not exec: as pid 1 of its namespace a shell reaps orphans.
  "$@"
}

case ${1:-} in
--enter) shift && enter "$@" ;;
--leave-root) shift && leave_root "$@" ;;
--inside) shift && inside "$@" ;;
--outside) shift && outside "$@" ;;
*) exec unshare --mount --propagation private "$0" --outside "$@" ;;
esac
