/*
 * attacker.c: what a hostile process does to a runtime, inside of a container or beside it. Static, so that it runs in
 * any root file system. One verb per run; results are lines on stdout. It opens files for writing but never writes to
 * them.
 *
 *   attacker open PATH...          "PATH READ WRITE": the outcome of opening for reading and for writing
 *   attacker watch                 print "watching"; then stop every process that appears (ptrace(2)), if allowed, and
 *                                  print "saw PID", and "CapPrm", "cgroup", "exe", "fd" lines of one that can be stopped
 *                                  or read
 *   attacker look PID...           the same once, for these pids
 *   attacker script INTERPRETER    make /tmp/script with that interpreter, run it, print its /proc/PID/exe
 *   attacker keep-key TEXT CMD...  run CMD in a new session keyring with a key
 *   attacker read-key              print the key's payload, or the error
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *outcome(long result) {
  return result < 0 ? strerrorname_np(errno) : "ok";
}

/* ---- open ---- */

static void try_open(const char *path) {
  int reading = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  printf("%s %s", path, outcome(reading));
  int writing = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  printf(" %s\n", outcome(writing));
  if (reading >= 0) close(reading);
  if (writing >= 0) close(writing);
}

/* ---- processes ---- */

static unsigned long long permitted_of(const char *pid) {
  char path[64], line[256];
  unsigned long long mask = 0;
  snprintf(path, sizeof path, "/proc/%s/status", pid);
  FILE *status = fopen(path, "re");
  while (status && fgets(line, sizeof line, status)) sscanf(line, "CapPrm: %llx", &mask);
  if (status) fclose(status);
  return mask;
}

/* Whether the executable is below the container's program directories. */
static int is_own_program(const char *exe) {
  return !strncmp(exe, "/bin/", 5);
}

/* Lists descriptors of the process other than its standard streams, and whether they can be opened. */
static void list_descriptors(const char *pid) {
  char path[300], link[4096];
  snprintf(path, sizeof path, "/proc/%s/fd", pid);
  DIR *dir = opendir(path);
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    if (atoi(entry->d_name) < 3) continue;
    snprintf(path, sizeof path, "/proc/%s/fd/%s", pid, entry->d_name);
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n < 0) continue;
    link[n] = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    printf("fd %s %s %s\n", entry->d_name, link, outcome(fd));
    if (fd >= 0) close(fd);
  }
  if (dir) closedir(dir);
}

/* Searches the process's executable and memory for a path of the host. */
static void read_image(const char *pid) {
  char path[64];
  static char data[1 << 20];
  snprintf(path, sizeof path, "/proc/%s/exe", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    printf("image %s\n", outcome(fd));
    return;
  }
  ssize_t length = read(fd, data, sizeof data);
  close(fd);
  const char *secret = length > 0 ? memmem(data, (size_t)length, "SECRET_OF_", 10) : NULL;
  printf("image read %zd %.40s\n", length, secret ? secret : "nothing secret");
}

/* "cgroup PATH" in the hierarchy that limits processes. */
static void print_cgroup(const char *pid) {
  char path[64], line[4096];
  snprintf(path, sizeof path, "/proc/%s/cgroup", pid);
  FILE *cgroups = fopen(path, "re");
  while (cgroups && fgets(line, sizeof line, cgroups)) {
    char *controllers = strchr(line, ':');
    if (strstr(line, "pids:")) printf("cgroup %s", strchr(controllers + 1, ':') + 1);
  }
  if (cgroups) fclose(cgroups);
}

static void look(const char *pid) {
  char path[64], exe[4096] = "";
  snprintf(path, sizeof path, "/proc/%s/exe", pid);
  ssize_t n = readlink(path, exe, sizeof exe - 1);
  printf("CapPrm %llx\n", permitted_of(pid));
  print_cgroup(pid);
  if (n <= 0) return;
  exe[n] = 0;
  list_descriptors(pid);
  if (is_own_program(exe)) return;
  printf("exe %s\n", exe);
  read_image(pid);
  snprintf(path, sizeof path, "/proc/%s/environ", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  char environment[4096] = "";
  if (fd >= 0 && read(fd, environment, sizeof environment - 1) > 0) printf("environment %s\n", environment);
  if (fd >= 0) close(fd);
}

/* Stops the process, so that it does not change while it is inspected. */
static void stop_and_look(const char *name) {
  pid_t pid = atoi(name);
  int is_traced = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
  int status = 0;
  printf("saw %s\n", name);
  if (is_traced && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, &status, __WALL) < 0) is_traced = 0;
  if (is_traced && !WIFSTOPPED(status)) return;
  if (is_traced) printf("seized\n");
  look(name);
  if (is_traced) ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static int watch(void) {
  static unsigned char seen[1 << 22];
  pid_t own = getpid();
  printf("watching\n");
  fflush(stdout);
  seen[1] = seen[own] = 1;
  DIR *proc = opendir("/proc");
  if (!proc) return 1;
  for (;;) {
    rewinddir(proc);
    for (struct dirent *entry; (entry = readdir(proc));) {
      int pid = atoi(entry->d_name);
      if (pid <= 1 || pid >= (int)sizeof seen || seen[pid]) continue;
      seen[pid] = 1;
      stop_and_look(entry->d_name);
      fflush(stdout);
    }
  }
}

/* Runs a script whose interpreter is `interpreter`, and reads the executable of that process from outside. */
static int script(const char *interpreter) {
  char pid[16];
  int fd = open("/tmp/script", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (fd < 0) return 1;
  dprintf(fd, "#!%s\n", interpreter);
  close(fd);
  pid_t child = fork();
  if (child == 0) {
    execl("/tmp/script", "/tmp/script", NULL);
    printf("script %s\n", strerrorname_np(errno));
    exit(1);
  }
  snprintf(pid, sizeof pid, "%d", child);
  look(pid);
  waitpid(child, NULL, 0);
  return 0;
}

/* ---- keys ---- */

static int keep_key(char **argv) {
  const char *text = argv[0];
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) return 125;
  long key = syscall(SYS_add_key, "user", "attack", text, strlen(text), KEY_SPEC_SESSION_KEYRING);
  /* Grants all permissions to every possessor. */
  if (key < 0 || syscall(SYS_keyctl, KEYCTL_SETPERM, key, 0x3f3f3f3f) < 0) return 125;
  syscall(SYS_keyctl, KEYCTL_SETPERM, KEY_SPEC_SESSION_KEYRING, 0x3f3f3f3f);
  execvp(argv[1], argv + 1);
  return 125;
}

static int read_key(void) {
  char text[256] = "";
  long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "attack", 0);
  long length = key < 0 ? key : syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof text - 1);
  printf("key %s %s\n", outcome(length), text);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2) return 125;
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  const char *verb = argv[1];
  if (!strcmp(verb, "keep-key") && argc > 3) return keep_key(argv + 2);
  printf("alive\n");
  fflush(stdout);
  if (!strcmp(verb, "watch")) return watch();
  if (!strcmp(verb, "read-key")) return read_key();
  if (!strcmp(verb, "script") && argc == 3) return script(argv[2]);
  for (int i = 2; i < argc; i++) {
    if (!strcmp(verb, "open")) try_open(argv[i]);
    if (!strcmp(verb, "look")) look(argv[i]);
  }
  return 0;
}
