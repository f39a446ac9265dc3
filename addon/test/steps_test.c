/* Calls the handlers of addon/machine with steps built by hand: how they treat a hostile root file system, hook or
 * name. Prints TAP; needs root, because it works in a mount namespace of its own. Build and run:
 *   gcc -std=gnu11 -g -fsanitize=address,undefined -Iaddon -Iaddon/steps -Ibuild/gen -o build/test/steps \
 *     $(ls addon/test/[a-z]*.c addon/machine/[a-qs-z]*.c addon/runtime/steps.c) -pthread && build/test/steps
 * and once more with init's handlers: musl-gcc -static -std=gnu11 -Os -DRUNT_INIT -idirafter build/include, without
 * runtime/steps.c. */
#define STEP_TABLES
#include "steps_test.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct machine m;
static int32_t fds[SLOTS];
static int count, failures;

void ok(_Bool good, const char *what) {
  count++;
  failures += !good;
  printf("%s %d - %s\n", good ? "ok" : "not ok", count, what);
  if (!good) printf("# %s, detail \"%s\"\n", m.syscall ? m.syscall : "no system call", m.detail);
}

void is(long got, long wanted, const char *what) {
  ok(got == wanted, what);
  if (got != wanted) printf("# got %ld (%s), wanted %ld\n", got, got < 0 ? strerror((int)-got) : "", wanted);
}

void in_child(int (*body)(void), const char *what) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) _exit(body());
  waitpid(child, &status, 0);
  is(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), 0, what);
}

void skip(const char *what, const char *why) {
  printf("ok %d - %s # SKIP %s\n", ++count, what, why);
}

void prepare(struct step *step) {
  const struct step_shape *shape = &step_shapes[step->op];
  for (int i = 0; i < shape->field_count; i++) {
    const struct step_field *field = &step_fields[shape->first_field + i];
    int64_t *value = (int64_t *)step + field->word;
    if ((field->kind == FIELD_SLOT || field->kind == FIELD_INTO) && *value == 0) *value = NONE;
  }
  m.detail[0] = '\0';
  m.syscall = NULL;
}

void fill(int slot, int fd) {
  if (fd < 0) {
    perror("Bail out! open");
    exit(2);
  }
  machine_fill(&m, slot, fd);
}

int slot_fd(int slot) {
  return fds[slot];
}

void write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) perror(path);
  close(fd);
}

const char *read_text(const char *path) {
  static char text[65536];
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  text[n < 0 ? 0 : n] = '\0';
  if (fd >= 0) close(fd);
  return text;
}

int exists(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

int is_empty_directory(const char *path) {
  return rmdir(path) == 0 && mkdir(path, 0755) == 0;
}

mode_t mode_of(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0 ? st.st_mode : 0;
}

/* As in run.c, which is left out because its switch also names the steps of the launch. */
int machine_fd(const struct machine *machine, int64_t slot) {
  return slot < 0 ? AT_FDCWD : machine->fds[slot];
}

void machine_fill(struct machine *machine, int64_t slot, int fd) {
  if (slot < 0) return;
  if (machine->fds[slot] >= 0) close(machine->fds[slot]);
  machine->fds[slot] = fd;
}

int main(void) {
  char directory[] = "/tmp/runt-steps-XXXXXX";
  if (!mkdtemp(directory) || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      mount("tmpfs", directory, "tmpfs", 0, NULL) < 0 || chdir(directory) < 0) {
    printf("1..0 # SKIP needs root and mount namespaces: %s\n", strerror(errno));
    rmdir(directory);
    return 0;
  }
  setvbuf(stdout, NULL, _IONBF, 0);
  umask(0);
  prctl(PR_SET_CHILD_SUBREAPER, 1); /* hooks leave processes behind, which this process kills and reaps */
  memset(fds, 0xff, sizeof fds);
  m = (struct machine){.fds = fds, .slot_count = SLOTS, .sync = -1, .child = 4711, .child_pidfd = -1, .lent = -1};
  test_paths();
  test_files();
  test_mounts();
  test_hooks();
  test_process();
  test_terminal();
  test_copy();
  test_network();
  test_userns();
  if (chdir("/") == 0) umount2(directory, MNT_DETACH);
  rmdir(directory);
  printf("1..%d\n", count);
  return failures ? 1 : 0;
}
