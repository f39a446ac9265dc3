/* Steps on files: checks after opening, and what is accepted if the file exists. */
#include "steps_test.h"

#include <stdlib.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "kernel.h"

enum { PROC_SUPER_MAGIC = 0x9fa0, TMPFS_MAGIC = 0x01021994 };

static void test_expectations(void) {
  is(RUN(openat2, .path = "/proc/self/comm", .flags = O_RDONLY, .into = A, .expect_fs = PROC_SUPER_MAGIC), 0,
     "a file of procfs is of procfs");
  write_text("root/comm", "fake");
  is(RUN(openat2, .at = ROOT, .path = "comm", .flags = O_RDONLY, .into = B, .expect_fs = PROC_SUPER_MAGIC), -EBADF,
     "another is not");
  ok(strstr(m.detail, "1021994 where 0x9fa0"), "and the detail says what it is");
  is(slot_fd(B), -1, "the slot stays empty");
  is(RUN(openat2, .path = "/dev/null", .flags = O_PATH, .into = B, .expect_rdev = (int64_t)makedev(1, 3)), 0,
     "/dev/null is 1:3");
  is(RUN(openat2, .path = "/dev/zero", .flags = O_PATH, .into = B, .expect_rdev = (int64_t)makedev(1, 3)), -EBADF,
     "/dev/zero is not");
  is(RUN(openat2, .at = ROOT, .path = "comm", .flags = O_PATH, .into = B, .expect_rdev = (int64_t)makedev(1, 3)),
     -EBADF, "nor is a file");
}

/* Opens a path covered by the container's own mount in B, which has the same names as the root. */
static int cover(const char *path, const char *rest) {
  machine_fill(&m, A, -1); /* as the machine does before each step */
  return RUN(open_covered, .root = ROOT, .path = path, .mount = B, .rest = rest, .into = A);
}

static ino_t inode_of(const char *path) {
  struct stat st;
  return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static ino_t inode_in(int64_t slot) {
  struct stat st;
  return fstat(slot_fd(slot), &st) < 0 ? 0 : st.st_ino;
}

static void test_covered(void) {
  mkdir("root/own", 0755);
  mkdir("root/own/sub", 0755);
  write_text("root/own/sub/file", "");
  write_text("root/outside", "");
  symlink("sub/file", "root/own/inner");
  symlink("/outside", "root/own/absolute");
  symlink("../outside", "root/own/up");
  symlink("nowhere", "root/own/dangling");
  is(RUN(openat2, .at = ROOT, .path = "own", .flags = O_PATH, .into = B), 0, "a mount of the container");
  is(cover("/elsewhere/sub/file", "sub/file"), 0, "a path on it");
  ok(inode_in(A) == inode_of("root/own/sub/file"), "is looked up there, whatever the root has");
  is(cover("/elsewhere/inner", "inner"), 0, "a link in it");
  ok(inode_in(A) == inode_of("root/own/sub/file"), "is followed");
  is(cover("/own/absolute", "absolute"), 0, "an absolute link");
  ok(inode_in(A) == inode_of("root/outside"), "starts at the root");
  is(cover("/own/up", "up"), 0, "one that leaves the mount");
  ok(inode_in(A) == inode_of("root/outside"), "is followed from the root");
  is(cover("/own/dangling", "dangling"), 0, "a dangling link is no error");
  is(slot_fd(A), -1, "but opens nothing");
  is(cover("/own/missing", "missing"), 0, "what is missing neither");
  is(cover("/own/sub/file/x", "sub/file/x"), -ENOTDIR, "what is below a file is an error");
  is(RUN(openat2, .path = "/proc", .flags = O_PATH, .into = B), 0, "procfs");
  is(cover("/proc/self/root", "self/root"), -ELOOP, "a magic link is not followed");
  is(cover("/proc/mounts", "mounts"), 0, "another link of procfs is");
  is(RUN(open_covered, .root = ROOT, .path = "/../../outside", .into = A), 0, "without a mount the root is what it is");
  ok(inode_in(A) == inode_of("root/outside"), "and nothing is outside of it");
}

static void test_refused_proc(void) {
  mkdir("root/procfs", 0755);
  symlink("procfs", "root/to-procfs");
  symlink("new/file", "root/to-new");
  is(mount("proc", "root/procfs", "proc", 0, NULL), 0, "procfs in the root");
  is(RUN(openat2, .at = ROOT, .path = "procfs/uptime", .flags = O_PATH, .into = A, .refuse_proc = 1), 0,
     "procfs by its own path");
  machine_fill(&m, A, -1);
  is(RUN(openat2, .at = ROOT, .path = "to-procfs", .flags = O_PATH, .into = A, .refuse_proc = 1), -ELOOP,
     "procfs behind a link");
  ok(strstr(m.detail, "leads into procfs"), "and the detail says so");
  is(RUN(openat2, .at = ROOT, .path = "to-procfs/uptime", .flags = O_PATH, .into = A, .refuse_proc = 1), -ELOOP,
     "a file of it");
  is(slot_fd(A), -1, "the slot stays empty");
  is(RUN(openat2, .at = ROOT, .path = "to-new", .flags = O_PATH, .into = A, .refuse_proc = 1,
         .on_missing = ON_MISSING_CREATE),
     0, "another link is followed, and what is missing made");
  is(mode_of("root/new/file"), S_IFREG | 0644, "it is there");
  umount("root/procfs");
}

static void test_write_file(void) {
  is(RUN(write_file, .path = "/proc/self/comm", .data = "runt-test", .expect_fs = PROC_SUPER_MAGIC), 0,
     "write_file writes to procfs");
  ok(strcmp(read_text("/proc/self/comm"), "runt-test\n") == 0, "the data is there");
  is(RUN(write_file, .at = ROOT, .path = "comm", .data = "danger", .expect_fs = PROC_SUPER_MAGIC), -EBADF,
     "write_file refuses a fake of it (CVE-2019-16884)");
  ok(strcmp(read_text("root/comm"), "fake") == 0, "which is not changed");
  symlink("comm", "root/comm-link");
  is(RUN(write_file, .at = ROOT, .path = "comm-link", .data = "danger"), -ELOOP, "write_file follows no link");
  is(RUN(write_file, .at = ROOT, .path = "comm-link", .data = "danger", .resolve = KERNEL_RESOLVE_IN_ROOT), -ELOOP,
     "with openat2 neither");
  mkfifo("root/fifo", 0644);
  is(RUN(write_file, .at = ROOT, .path = "fifo", .data = "x"), -ENXIO, "a FIFO does not hold it");
  is(RUN(write_file, .at = ROOT, .path = "../victim", .data = "x", .resolve = KERNEL_RESOLVE_BENEATH), -EXDEV,
     "the plan's resolve flags are used");
}

static void test_nodes(void) {
  int64_t null = (int64_t)makedev(1, 3), zero = (int64_t)makedev(1, 5);
  is(RUN(mknodat, .at = ROOT, .path = "null", .mode = S_IFCHR | 0666, .rdev = null), 0, "a node is made");
  is(mode_of("root/null"), S_IFCHR | 0666, "with its mode");
  is(RUN(mknodat, .at = ROOT, .path = "null", .mode = S_IFCHR | 0600, .rdev = null), 0, "the same node is accepted");
  is(RUN(mknodat, .at = ROOT, .path = "null", .mode = S_IFCHR | 0666, .rdev = zero), -EEXIST, "another number is not");
  is(RUN(mknodat, .at = ROOT, .path = "null", .mode = S_IFBLK | 0666, .rdev = null), -EEXIST, "another type neither");
  is(RUN(mknodat, .at = ROOT, .path = "comm", .mode = S_IFCHR | 0666, .rdev = null), -EEXIST, "nor a file");
  symlink("null", "root/null-link");
  is(RUN(mknodat, .at = ROOT, .path = "null-link", .mode = S_IFCHR | 0666, .rdev = null), -EEXIST, "nor a link to it");
  is(RUN(mknodat, .at = ROOT, .path = "pipe", .mode = S_IFIFO | 0600), 0, "a FIFO is made");
  is(RUN(mknodat, .at = ROOT, .path = "pipe", .mode = S_IFIFO | 0600, .rdev = 5), 0,
     "and accepted whatever its number");
  is(RUN(mknodat, .at = ROOT, .path = "../out", .mode = S_IFCHR | 0666, .rdev = null), -EINVAL,
     "only one name is taken");
  struct stat st;
  is(RUN(mknodat, .at = ROOT, .path = "owned", .mode = S_IFCHR | 0620, .rdev = null, .uid = 7, .gid = 5), 0,
     "with owner");
  ok(stat("root/owned", &st) == 0 && st.st_uid == 7 && st.st_gid == 5 && st.st_mode == (S_IFCHR | 0620), "it has them");
}

#ifndef RUNT_INIT
static void test_claims(void) {
  write_text("tasks", "");
  is(RUN(claim_cgroup, .path = "lock", .list = "tasks", .into = A), 0, "an empty cgroup is claimed");
  struct stat file;
  ok(stat("lock", &file) == 0 && file.st_mode == (S_IFREG | S_ISVTX | 0600), "in a file that is its owner's alone");
  is(RUN(claim_cgroup, .path = "lock", .list = "tasks", .into = B), -EAGAIN, "once");
  int64_t other = (int64_t)1 << 52;
  is(RUN(claim_cgroup, .path = "lock", .offset = other, .list = "tasks", .into = B), 0, "while another one is not");
  is(RUN(close, .slots = {1, (int64_t[]){B}}), 0, "closed");
  is(RUN(close, .slots = {1, (int64_t[]){A}}), 0, "closed, it is free");
  is(RUN(claim_cgroup, .path = "lock", .list = "tasks", .into = B), 0, "for another");
  is(RUN(close, .slots = {1, (int64_t[]){B}}), 0, "closed");
  write_text("tasks", "7\n");
  is(RUN(claim_cgroup, .path = "lock", .list = "tasks", .into = A), -EBUSY, "not one with somebody in it");
  is(RUN(claim_cgroup, .path = "lock", .list = "no-tasks", .into = A), -ENOENT, "nor one without a list");
  write_text("tasks", "");
  is(RUN(claim_cgroup, .path = "lock", .list = "tasks", .into = A), 0, "what failed holds nothing");
  is(RUN(close, .slots = {1, (int64_t[]){A}}), 0, "closed");
  symlink("lock", "lock-link");
  is(RUN(claim_cgroup, .path = "lock-link", .list = "tasks", .into = A), -ELOOP, "no link is followed");
}
#endif

void test_files(void) {
  test_expectations();
  test_covered();
  test_refused_proc();
  test_write_file();
  test_nodes();
#ifndef RUNT_INIT
  test_claims();
#endif
  is(RUN(symlinkat, .target = "t", .at = ROOT, .path = "s"), 0, "a link is made");
  is(RUN(symlinkat, .target = "t", .at = ROOT, .path = "s"), 0, "the same link is accepted");
  is(RUN(symlinkat, .target = "tt", .at = ROOT, .path = "s"), -EEXIST, "another target is not");
  is(RUN(symlinkat, .target = "t", .at = ROOT, .path = "comm"), -EEXIST, "nor a file");
  is(RUN(mkdirat, .path = "p/q/r/", .mode = 0710), -ENOENT, "mkdirat makes one directory");
  is(RUN(mkdirat, .path = "p/q/r/", .mode = 0710, .parents = 1), 0, "parents makes all");
  ok(mode_of("p/q/r") == (S_IFDIR | 0710) && mode_of("p/q") == (S_IFDIR | 0755), "the last one has the mode");
  is(RUN(mkdirat, .path = "p/q/r", .mode = 0700), 0, "an existing one is no error");
  symlink("/etc/passwd", "root/victim-link");
  is(RUN(fchownat, .at = ROOT, .path = "victim-link", .uid = 9, .gid = 9), 0, "fchownat changes a link itself");
  struct stat st;
  ok(stat("/etc/passwd", &st) == 0 && st.st_uid == 0, "not what it leads to");
}
