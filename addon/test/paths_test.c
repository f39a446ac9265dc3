/* openat2 with onMissing in a root file system that tries to create something outside of it (CVE-2019-18837,
 * CVE-2021-30465, CVE-2024-45310, CVE-2026-88264). ./victim must stay empty. */
#include "steps_test.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "paths.h"

#define VICTIM_EMPTY(what) ok(is_empty_directory("victim"), what)

/* Without RESOLVE_ flags: the path must be created inside the root whatever the plan says. */
static int make(const char *path, int64_t kind) {
  int flags = O_PATH | (kind == ON_MISSING_MKDIR ? O_DIRECTORY : 0);
  return RUN(openat2, .at = ROOT, .path = path, .flags = flags, .into = A, .on_missing = kind);
}

static void test_making(void) {
  is(make("a/b/c", ON_MISSING_MKDIR), 0, "directories are made");
  is(mode_of("root/a/b/c"), S_IFDIR | 0755, "with mode 0755");
  is(make("/a/b/file", ON_MISSING_CREATE), 0, "a file is made, an absolute path is below the root");
  is(mode_of("root/a/b/file"), S_IFREG | 0644, "with mode 0644");
  is(make("x/y/z/file", ON_MISSING_CREATE), 0, "a file and its directories are made");
  is(mode_of("root/x/y/z/file"), S_IFREG | 0644, "the last one is the file");
  is(make("//sl//ash///", ON_MISSING_MKDIR), 0, "slashes may be doubled");
  is(make("a/b/file", ON_MISSING_MKDIR), -ENOTDIR, "an existing file is no directory");
  is(make("a/b/file/c", ON_MISSING_MKDIR), -ENOTDIR, "nor can it hold one");
  is(make("a/b/c", ON_MISSING_CREATE), 0, "an existing directory is taken as it is");
  is(make("../../up", ON_MISSING_MKDIR), 0, ".. of the root is the root");
  ok(exists("root/up") && !exists("up"), "so the directory is made inside");
}

static void test_links(void) {
  char link[32], target[32];
  symlink("/victim", "root/absolute");
  is(make("absolute/d", ON_MISSING_MKDIR), 0, "dangling absolute link in the middle");
  ok(exists("root/victim/d"), "its target is made inside");
  symlink("../../../../../../victim/e", "root/a/b/dots");
  is(make("a/b/dots/f", ON_MISSING_CREATE), 0, "dangling link of dots");
  ok(exists("root/victim/e/f"), "its target is made inside");
  symlink("/victim/deep", "root/a/b/absolute");
  is(make("a/b/absolute/d", ON_MISSING_MKDIR), 0, "dangling absolute link in a directory");
  ok(exists("root/victim/deep/d") && !exists("root/a/b/victim"), "it starts at the root");
  symlink("new/target", "root/a/last");
  is(make("a/last", ON_MISSING_CREATE), 0, "dangling link as the last component");
  is(mode_of("root/a/new/target"), S_IFREG | 0644, "its target is the file");
  symlink("two", "root/one");
  symlink("one", "root/two");
  is(make("one/d", ON_MISSING_MKDIR), -ELOOP, "links in a circle");
  for (int i = 0; i < 45; i++) {
    snprintf(link, sizeof link, "root/link%d", i);
    snprintf(target, sizeof target, "link%d", i + 1);
    symlink(target, link);
  }
  is(make("link0/d", ON_MISSING_MKDIR), -ELOOP, "a chain of 45 links is too long");
  /* The kernel starts again with references when a lookup by RCU fails, and counts the links of both against its limit
   * of 40: one lookup in a thousand through 25 links fails with ELOOP on a busy machine, by open(2) as well. */
  is(make("link25/d", ON_MISSING_MKDIR), 0, "a chain of 20 dangling links is not");
  ok(exists("root/link45/d"), "its end is made");
  VICTIM_EMPTY("nothing is made outside by links");
}

static void test_limits(void) {
  char name[NAME_MAX + 3], path[PATH_MAX + 8], target[PATH_MAX];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  is(make(name, ON_MISSING_MKDIR), -ENAMETOOLONG, "a name that is too long");
  for (size_t i = 0; i < sizeof path - 1; i++) path[i] = i % 2 ? '/' : 'p';
  path[sizeof path - 1] = '\0';
  is(make(path, ON_MISSING_MKDIR), -ENAMETOOLONG, "a path that is too long");
  for (size_t i = 0; i < sizeof target - 1; i++) target[i] = i % 2 ? '/' : 't';
  target[sizeof target - 1] = '\0';
  symlink(target, "root/long");
  is(make("long/tail", ON_MISSING_MKDIR), -ENAMETOOLONG, "a path that a link makes too long");
  path[1200] = '\0';
  is(make(path, ON_MISSING_MKDIR), 0, "a path of 600 components");
}

static void test_magic_links(void) {
  mkdir("root/proc", 0755);
  if (mount("proc", "root/proc", "proc", 0, NULL) < 0) {
    skip("magic links", "no procfs");
    return;
  }
  symlink("/proc/self/cwd/victim/m", "root/magic");
  is(make("magic/d", ON_MISSING_MKDIR), -ELOOP, "a link through a magic link");
  is(make("proc/self/cwd/victim/d", ON_MISSING_MKDIR), -ELOOP, "a magic link in the middle");
  symlink("/proc/self/fd/0", "root/stdin");
  is(make("stdin", ON_MISSING_CREATE), -ELOOP, "a magic link at the end");
  VICTIM_EMPTY("nothing is made outside by magic links");
  umount2("root/proc", MNT_DETACH);
}

static atomic_int racing;

/* The attacker: switches root/swap/x between a directory and a link that leads outside. */
static void *exchange(void *nothing) {
  while (atomic_load(&racing)) syscall(SYS_renameat2, AT_FDCWD, "root/swap/x", AT_FDCWD, "root/swap/y", 2);
  return nothing;
}

static void race(const char *target, const char *what) {
  enum { ROUNDS = 400 };
  pthread_t thread;
  char path[64];
  int made = 0, strange = 0;
  system("rm -rf root/swap; mkdir -p root/swap/x");
  symlink(target, "root/swap/y");
  atomic_store(&racing, 1);
  pthread_create(&thread, NULL, exchange, NULL);
  for (int i = 0; i < ROUNDS; i++) {
    snprintf(path, sizeof path, "swap/x/d%d/../e%d/f", i, i);
    int result = make(path, i % 2 ? ON_MISSING_MKDIR : ON_MISSING_CREATE);
    made += result == 0;
    strange += result != 0 && result != -EAGAIN && result != -ENOENT;
  }
  atomic_store(&racing, 0);
  pthread_join(thread, NULL);
  is(strange, 0, what);
  ok(made > 0, "most are made all the same");
  if (made < ROUNDS) printf("# %d of %d made\n", made, ROUNDS);
  VICTIM_EMPTY("and nothing outside");
}

void test_paths(void) {
  mkdir("root", 0755);
  mkdir("victim", 0755);
  fill(ROOT, open("root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  test_making();
  test_links();
  test_limits();
  test_magic_links();
  race("../../victim", "a directory exchanged with a link that leads outside");
  race("/dangling/link", "a directory exchanged with a dangling link");
  is(make("gone", ON_MISSING_SKIP), 0, "ON_MISSING_SKIP is no error");
  is(slot_fd(A), -1, "and empties the slot");
  is(make("gone", ON_MISSING_FAIL), -ENOENT, "ON_MISSING_FAIL is one");
  ok(strcmp(m.syscall, "openat2") == 0, "and names the system call");
}
