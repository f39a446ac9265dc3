/* The steps on files: checks of what was opened, and what is accepted when something is there already. */
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
