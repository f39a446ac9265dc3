/* Steps on mounts, root and working directory. */
#include "steps_test.h"

#include "kernel.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

enum { SET_STRING = 1, COMMAND_CREATE = 6, ATTR_RDONLY = 1, ATTR_NOSUID = 2 };

static void test_new_mount(void) {
  is(RUN(fsopen, .fstype = "nosuchfs", .into = A), -ENODEV, "fsopen of an unknown file system");
  is(RUN(fsopen, .fstype = "tmpfs", .into = A), 0, "fsopen");
  is(RUN(fsconfig, .fs = A, .command = SET_STRING, .key = "nonsense", .value = "1"), -EINVAL,
     "fsconfig of an unknown option");
  ok(strstr(m.detail, "nonsense") && strncmp(m.detail, "e ", 2) != 0, "the detail is the kernel's message");
  is(RUN(fsconfig, .fs = A, .command = SET_STRING, .key = "mode", .value = "0711"), 0, "fsconfig");
  is(RUN(fsconfig, .fs = A, .command = COMMAND_CREATE), 0, "FSCONFIG_CMD_CREATE");
  is(RUN(fsmount, .fs = A, .attributes = ATTR_NOSUID, .into = B), 0, "fsmount");
  mkdir("mnt", 0755);
  fill(C, open("mnt", O_PATH | O_CLOEXEC));
  is(RUN(move_mount, .mount = B, .to = C), 0, "move_mount onto a descriptor");
  is(mode_of("mnt"), S_IFDIR | 0711, "the mount is there");
  write_text("mnt/file", "text");
  is(RUN(mount_setattr, .fd = B, .set = ATTR_RDONLY), 0, "mount_setattr on a descriptor");
  ok(open("mnt/new", O_CREAT | O_WRONLY, 0644) < 0 && errno == EROFS, "makes it read-only");
  is(RUN(mount_setattr, .path = "mnt", .clear = ATTR_RDONLY), 0, "mount_setattr on a path");
}

static void test_clones(void) {
  enum { CLONE_TREE = 1 };
  is(RUN(open_tree, .path = "/dev/zero", .flags = CLONE_TREE, .into = A, .expect_rdev = (int64_t)makedev(1, 5),
         .expect_block = 1),
     -EBADF, "a character device is no block device");
  is(RUN(open_tree, .path = "/dev/zero", .flags = CLONE_TREE, .into = A, .expect_rdev = (int64_t)makedev(1, 3)), -EBADF,
     "open_tree checks the device (CVE-2025-31133)");
  is(RUN(open_tree, .path = "/proc/self/cwd", .flags = CLONE_TREE | AT_SYMLINK_NOFOLLOW,
         .resolve = KERNEL_RESOLVE_NO_MAGICLINKS, .into = 6),
     -ELOOP, "a link of procfs is not cloned");
  is(symlink("file", "mnt/link"), 0, "a link");
  is(RUN(open_tree, .path = "mnt/link", .flags = CLONE_TREE | AT_SYMLINK_NOFOLLOW,
         .resolve = KERNEL_RESOLVE_NO_MAGICLINKS, .into = 6),
     0, "any other link is");
  is(RUN(move_mount, .mount = 6, .path = "mnt/file"), 0, "and covers a file");
  is(RUN(umount2, .path = "mnt/file", .flags = MNT_DETACH | UMOUNT_NOFOLLOW), 0, "umount2 of a link");
  is(unlink("mnt/link"), 0, "the link goes");
  fill(A, open("mnt", O_PATH | O_CLOEXEC));
  fill(B, open("mnt/file", O_PATH | O_CLOEXEC));
  fill(C, open("/dev/null", O_PATH | O_CLOEXEC));
  is(RUN(open_tree, .flags = CLONE_TREE, .into = 6, .like = B, .when_directory = A, .when_file = C), 0,
     "open_tree like a file");
  is(RUN(move_mount, .mount = 6, .to = B), 0, "covers a file");
  is(mode_of("mnt/file"), mode_of("/dev/null"), "with the device");
  is(RUN(open_tree, .flags = CLONE_TREE, .into = 6, .like = A, .when_directory = A, .when_file = C), 0,
     "open_tree like a directory");
  is(RUN(move_mount, .mount = 6, .to = B), -ENOTDIR, "does not cover a file");
  is(RUN(move_mount, .mount = 6, .path = "mnt"), 0, "covers a directory, by path");
  is(RUN(umount2, .path = "mnt", .flags = MNT_DETACH), 0, "umount2");
  is(RUN(umount2, .path = "mnt", .flags = MNT_DETACH), 0, "and the one below");
  is(RUN(umount2, .path = "mnt", .flags = MNT_DETACH), -EINVAL, "until there is none");
}

/* A mount that cannot be cloned, like a detached one before Linux 6.15; an unbindable mount stands for it. */
static void test_lent(void) {
  enum { CLONE_TREE = 1 };
  is(RUN(fsopen, .fstype = "tmpfs", .into = A), 0, "fsopen");
  is(RUN(fsconfig, .fs = A, .command = COMMAND_CREATE), 0, "FSCONFIG_CMD_CREATE");
  is(RUN(fsmount, .fs = A, .into = B), 0, "fsmount");
  is(RUN(mount_setattr, .fd = B, .propagation = MS_UNBINDABLE), 0, "makes it unbindable");
  mkdir("first", 0755);
  mkdir("second", 0755);
  fill(A, open("first", O_PATH | O_CLOEXEC));
  fill(C, open("second", O_PATH | O_CLOEXEC));
  is(RUN(open_tree, .flags = CLONE_TREE, .into = 6, .like = A, .when_directory = B, .when_file = -1), 0,
     "the first gets the mount itself");
  is(RUN(move_mount, .mount = 6, .to = A), 0, "which covers a directory");
  is(RUN(open_tree, .flags = CLONE_TREE, .into = 6, .like = C, .when_directory = B, .when_file = -1), -EINVAL,
     "the second does not take it away from there");
  write_text("file", "text");
  fill(C, open("file", O_PATH | O_CLOEXEC));
  is(RUN(open_tree, .flags = CLONE_TREE, .into = 6, .like = C, .when_directory = -1, .when_file = B), -EINVAL,
     "nor does a file");
  is(RUN(umount2, .path = "first", .flags = MNT_DETACH), 0, "it is still there");
}

/* In a child: a root file system whose working directory is a descriptor of the host (CVE-2024-21626). */
static int confined(void) {
  char path[64];
  int outside = open("/", O_RDONLY | O_DIRECTORY);
  snprintf(path, sizeof path, "/proc/self/fd/%d", outside);
  if (mkdir("jail", 0755) < 0 || mkdir("jail/proc", 0755) < 0 || mount("proc", "jail/proc", "proc", 0, NULL) < 0 ||
      RUN(chroot, .path = "jail") < 0 || chdir("/") < 0)
    return 100;
  const int named = KERNEL_RESOLVE_NO_MAGICLINKS;
  if (RUN(chdir, .path = path) != -EPERM || !strstr(m.detail, "outside")) return 1;
  if (RUN(chdir, .path = path, .resolve = named, .create = 1) != -ELOOP) return 6;
  if (RUN(chdir, .path = "/new/directory", .resolve = named) != -ENOENT) return 2;
  if (RUN(chdir, .path = "/new/directory", .resolve = named, .create = 1) != 0) return 3;
  if (RUN(chdir, .path = "/proc", .resolve = named) != 0) return 4;
  char down[96];
  snprintf(down, sizeof down, "%s/tmp/runt-not-here", path);
  if (RUN(chdir, .path = down, .resolve = named, .create = 1) != -ELOOP) return 5;
  /* The next descriptor to be opened: it does not exist until the path is created. */
  snprintf(path, sizeof path, "/proc/self/fd/%d", outside + 2);
  return RUN(chdir, .path = path, .resolve = named, .create = 1) == -ELOOP ? 0 : 7;
}

void test_mounts(void) {
  test_new_mount();
  test_clones();
  test_lent();
  in_child(confined, "chdir stays in the root, and makes a directory only there");
  ok(exists("jail/new/directory") && !exists("/tmp/runt-not-here"), "as can be seen from outside");
  umount2("jail/proc", MNT_DETACH);
}
