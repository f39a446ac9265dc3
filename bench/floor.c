/*
 * floor.c: the kernel work of the default container and nothing else, in one C program: what `run` of the default
 * config would cost without any decisions. bench/ compares runtimes with it. It is not a runtime: it does not read the
 * bundle's config, the steps below are written by hand, every error ends the program, it has no state directory, and it
 * is protected against a hostile root file system only where that costs nothing.
 *
 *   floor BUNDLE ID HIERARCHY...     each HIERARCHY is a mounted cgroup file system, v1 or v2
 *
 * What it does, in order. Parent: one cgroup per hierarchy (cpuset files copied, device rules written), clone3 into
 * the v2 cgroup with the five namespaces of the default config. Child: moves itself into the v1 cgroups through
 * inherited descriptors, clones the root file system as a detached mount, builds proc, dev, pts, shm, mqueue, sys and
 * the read-only cgroup tree on it, device nodes and links, masks and read-only paths, pivot_root, loopback up, host
 * name, session keyring, limits, capabilities, no_new_privs, execve. Parent: waits, removes the cgroups.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_HIERARCHIES 24
#define MNT_DETACH 2

struct hierarchy {
  const char *name; /* last component of the mount point: cpu, memory … */
  int root;         /* the mount point */
  int dir;          /* our cgroup, as a detached mount: the child cannot clone one of the parent's namespace */
  int tasks;        /* its tasks file, or -1 on v2 */
};

static struct hierarchy hierarchies[MAX_HIERARCHIES];
static int hierarchy_count;

static void die(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  _exit(125);
}

static long check(long ret, const char *what) {
  if (ret < 0) die(what);
  return ret;
}

/* ---- cgroups, in the parent ---- */

static void put(int dir, const char *file, const char *text) {
  int fd = (int)check(openat(dir, file, O_WRONLY | O_CLOEXEC), file);
  check(write(fd, text, strlen(text)), file);
  close(fd);
}

static void copy_from_parent(struct hierarchy *h, const char *file) {
  char text[256];
  int fd = (int)check(openat(h->root, file, O_RDONLY | O_CLOEXEC), file);
  ssize_t n = check(read(fd, text, sizeof text - 1), file);
  close(fd);
  text[n] = 0;
  put(h->dir, file, text);
}

static void allow_devices(int dir) {
  static const char *const rules[] = {"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm",   "c 1:7 rwm", "c 1:8 rwm",
                                      "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm", "c 5:1 rwm"};
  put(dir, "devices.deny", "a");
  int fd = (int)check(openat(dir, "devices.allow", O_WRONLY | O_CLOEXEC), "devices.allow");
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) check(write(fd, rules[i], strlen(rules[i])), rules[i]);
  close(fd);
}

static void make_cgroup(struct hierarchy *h, const char *path, const char *id) {
  const char *slash = strrchr(path, '/');
  h->name = slash ? slash + 1 : path;
  h->root = (int)check(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), path);
  check(mkdirat(h->root, id, 0755), id);
  h->dir = (int)check(syscall(SYS_open_tree, h->root, id, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), id);
  if (!strcmp(h->name, "cpuset")) {
    copy_from_parent(h, "cpuset.cpus");
    copy_from_parent(h, "cpuset.mems");
  }
  if (!strcmp(h->name, "devices")) allow_devices(h->dir);
  /* Not through h->dir: an open writer would prevent that mount from becoming read-only. */
  char tasks[128];
  snprintf(tasks, sizeof tasks, "%s/tasks", id);
  h->tasks = openat(h->root, tasks, O_WRONLY | O_CLOEXEC);
  if (h->tasks < 0 && errno != ENOENT) die("tasks");
}

/* ---- mounts, in the child ---- */

struct option {
  const char *key;
  const char *value;
};

static int new_mount(const char *type, const struct option *options, unsigned attributes) {
  int fs = (int)check(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), type);
  for (; options && options->key; options++)
    check(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, options->key, options->value, 0), options->key);
  check(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
  int mnt = (int)check(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes), type);
  close(fs);
  return mnt;
}

static void attach(int mnt, int dir, const char *path) {
  check(syscall(SYS_move_mount, mnt, "", dir, path, MOVE_MOUNT_F_EMPTY_PATH), path);
}

/* The caller closes the mount: some are needed later, to create files in. */
static int mount_at(int dir, const char *path, const char *type, const struct option *options, unsigned attributes) {
  int mnt = new_mount(type, options, attributes);
  attach(mnt, dir, path);
  return mnt;
}

static void set_attributes(int mnt, unsigned set, unsigned propagation) {
  struct mount_attr attr = {.attr_set = set, .propagation = propagation};
  check(syscall(SYS_mount_setattr, mnt, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr), "mount_setattr");
}

static int clone_mount(int dir, const char *path) {
  return (int)syscall(SYS_open_tree, dir, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static void make_devices(int dev) {
  static const struct {
    const char *name;
    unsigned major, minor;
  } nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
  static const struct {
    const char *target, *name;
  } links[] = {{"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
               {"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"},      {"pts/ptmx", "ptmx"}};
  umask(0);
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    check(mknodat(dev, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].name);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    check(symlinkat(links[i].target, dev, links[i].name), links[i].name);
  umask(022);
}

/* v1 without a cgroup namespace: a read-only tmpfs with the container's own cgroup of each hierarchy bound into it. */
static void mount_cgroups(int root) {
  static const struct option options[] = {{"mode", "755"}, {NULL, NULL}};
  const unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int tmp = mount_at(root, "sys/fs/cgroup", "tmpfs", options, attributes);
  for (int i = 0; i < hierarchy_count; i++) {
    struct hierarchy *h = &hierarchies[i];
    check(mkdirat(tmp, h->name, 0755), h->name);
    set_attributes(h->dir, attributes | MOUNT_ATTR_RDONLY, 0);
    attach(h->dir, tmp, h->name);
  }
  set_attributes(tmp, MOUNT_ATTR_RDONLY, 0);
}

static int build_root(const char *bundle) {
  static const struct option dev_options[] = {{"mode", "755"}, {"size", "65536k"}, {NULL, NULL}};
  static const struct option pts_options[] = {{"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}, {NULL, NULL}};
  static const struct option shm_options[] = {{"mode", "1777"}, {"size", "65536k"}, {NULL, NULL}};
  const unsigned safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int dir = (int)check(open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC), bundle);
  int slash = (int)check(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "/");
  set_attributes(slash, 0, MS_SLAVE);
  int root = (int)check(clone_mount(dir, "rootfs"), "rootfs");
  /* Attached over itself first: not all kernels allow mounts on a detached tree, and pivot_root needs a mount. */
  attach(root, dir, "rootfs");
  mount_at(root, "proc", "proc", NULL, 0);
  int dev = mount_at(root, "dev", "tmpfs", dev_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
  check(mkdirat(dev, "pts", 0755), "pts");
  check(mkdirat(dev, "shm", 0755), "shm");
  check(mkdirat(dev, "mqueue", 0755), "mqueue");
  mount_at(dev, "pts", "devpts", pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  mount_at(dev, "shm", "tmpfs", shm_options, safe);
  mount_at(dev, "mqueue", "mqueue", NULL, safe);
  make_devices(dev);
  mount_at(root, "sys", "sysfs", NULL, safe | MOUNT_ATTR_RDONLY);
  mount_cgroups(root);
  return root;
}

static void hide_paths(int root) {
  static const char *const masked[] = {"proc/acpi",          "proc/asound",     "proc/kcore",       "proc/keys",
                                       "proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug",
                                       "sys/firmware",       "proc/scsi"};
  static const char *const readonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
  for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++) {
    int mnt = clone_mount(root, readonly[i]);
    if (mnt < 0 && errno == ENOENT) continue;
    set_attributes((int)check(mnt, readonly[i]), MOUNT_ATTR_RDONLY, 0);
    attach(mnt, root, readonly[i]);
  }
  int empty = -1;
  for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) {
    struct stat st;
    if (fstatat(root, masked[i], &st, AT_SYMLINK_NOFOLLOW) < 0) continue;
    int mnt;
    if (!S_ISDIR(st.st_mode))
      mnt = clone_mount(root, "dev/null");
    else if (empty < 0)
      mnt = empty = new_mount("tmpfs", NULL, MOUNT_ATTR_RDONLY);
    else
      mnt = (int)syscall(SYS_open_tree, empty, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    attach((int)check(mnt, masked[i]), root, masked[i]);
  }
}

static void enter_root(int root) {
  check(fchdir(root), "fchdir");
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(syscall(SYS_umount2, ".", MNT_DETACH), "umount2");
  int top = (int)check(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "/");
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
  check(syscall(SYS_mount_setattr, top, "", AT_EMPTY_PATH, &attr, sizeof attr), "root read-only");
  check(chdir("/"), "chdir");
}

/* ---- the process, in the child ---- */

static void loopback_up(void) {
  struct ifreq req = {.ifr_flags = IFF_UP | IFF_RUNNING};
  strcpy(req.ifr_name, "lo");
  int fd = (int)check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  check(ioctl(fd, SIOCSIFFLAGS, &req), "lo");
  close(fd);
}

static void drop_privileges(void) {
  const uint64_t keep = 1ull << CAP_AUDIT_WRITE | 1ull << CAP_KILL | 1ull << CAP_NET_BIND_SERVICE;
  struct rlimit files = {1024, 1024};
  check(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &files, NULL), "prlimit");
  for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
    if (!(keep >> cap & 1)) check(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "PR_CAPBSET_DROP");
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{(uint32_t)keep, (uint32_t)keep, 0}, {keep >> 32, keep >> 32, 0}};
  check(syscall(SYS_capset, &head, data), "capset");
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static void child(const char *bundle) {
  static char *const argv[] = {"true", NULL};
  static char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL};
  /* For a thread that moves itself the kernel takes no global lock; see the design's rule on cgroup.procs. */
  for (int i = 0; i < hierarchy_count; i++)
    if (hierarchies[i].tasks >= 0) check(write(hierarchies[i].tasks, "0", 1), hierarchies[i].name);
  int root = build_root(bundle);
  hide_paths(root);
  enter_root(root);
  loopback_up();
  check(syscall(SYS_sethostname, "floor", 5), "sethostname");
  check(syscall(SYS_keyctl, 1L /* JOIN_SESSION_KEYRING */, "floor"), "keyctl");
  setsid();
  drop_privileges();
  check(syscall(SYS_close_range, 3u, ~0u, 0u), "close_range");
  execve("/bin/true", argv, env);
  die("/bin/true");
}

int main(int argc, char **argv) {
  if (argc < 4 || argc - 3 > MAX_HIERARCHIES) return 125;
  int v2 = -1;
  for (int i = 3; i < argc; i++) {
    struct hierarchy *h = &hierarchies[hierarchy_count++];
    make_cgroup(h, argv[i], argv[2]);
    if (h->tasks < 0) v2 = h->dir;
  }
  struct clone_args args = {
      .flags =
          CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | (v2 < 0 ? 0 : CLONE_INTO_CGROUP),
      .exit_signal = SIGCHLD,
      .cgroup = v2 < 0 ? 0 : (uint64_t)v2,
  };
  pid_t pid = (pid_t)check(syscall(SYS_clone3, &args, sizeof args), "clone3");
  if (pid == 0) child(argv[1]);
  int status;
  check(waitpid(pid, &status, 0), "waitpid");
  for (int i = 0; i < hierarchy_count; i++)
    check(unlinkat(hierarchies[i].root, argv[2], AT_REMOVEDIR), hierarchies[i].name);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
