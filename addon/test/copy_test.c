/* tmpcopyup: what is copied, and what fails. */
#include "steps_test.h"

#include <stdlib.h>
#include <sys/sysmacros.h>

static int copy(const char *from, const char *to) {
  fill(A, open(from, O_PATH | O_DIRECTORY | O_CLOEXEC));
  fill(B, open(to, O_PATH | O_DIRECTORY | O_CLOEXEC));
  return RUN(copy_up, .source = A, .to = B);
}

static int is_same(const char *name) {
  char from[64], to[64];
  struct stat a, b;
  snprintf(from, sizeof from, "from/%s", name);
  snprintf(to, sizeof to, "to/%s", name);
  return lstat(from, &a) == 0 && lstat(to, &b) == 0 && a.st_mode == b.st_mode && a.st_uid == b.st_uid &&
         a.st_gid == b.st_gid && a.st_rdev == b.st_rdev && a.st_size == b.st_size;
}

static void make_tree(void) {
  static char large[100001];
  char name[32], target[16] = "";
  memset(large, 'l', sizeof large - 1);
  mkdir("from", 0755);
  mkdir("to", 0700);
  write_text("from/large", large);
  write_text("from/suid", "program");
  if (chown("from/suid", 11, 12) < 0 || chmod("from/suid", 06755) < 0) perror("suid");
  symlink("/victim/nowhere", "from/link");
  if (lchown("from/link", 13, 14) < 0) perror("link");
  mkfifo("from/fifo", 0640);
  mknod("from/null", S_IFCHR | 0666, makedev(1, 3));
  mkdir("from/sub", 0);
  if (chmod("from/sub", 01777) < 0) perror("sub");
  for (int i = 0; i < 300; i++) {
    snprintf(name, sizeof name, "from/sub/file%d", i);
    snprintf(target, sizeof target, "%d", i);
    write_text(name, target);
  }
  symlink("/victim", "from/sub/directory");
}

void test_copy(void) {
  make_tree();
  is(copy("from", "to"), 0, "copy_up");
  const char *const names[] = {"large", "suid",      "link",        "fifo",         "null",
                               "sub",   "sub/file0", "sub/file299", "sub/directory"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) ok(is_same(names[i]), names[i]);
  ok(strcmp(read_text("to/sub/file217"), "217") == 0, "contents are copied");
  is(mode_of("to"), S_IFDIR | 0700, "the target itself is not changed");
  is(copy("from", "to"), -EEXIST, "nothing is overwritten");
  ok(m.detail[0], "the detail is a name");
  mkdir("deep", 0755);
  mkdir("deep-copy", 0755);
  char path[512] = "deep";
  for (int i = 0; i < 70; i++) {
    strcat(path, "/d");
    mkdir(path, 0755);
  }
  is(copy("deep", "deep-copy"), -ENAMETOOLONG, "a tree of 70 levels is refused");
  ok(is_empty_directory("victim"), "nothing is made where links lead");
}
