/*
 * probe.c: the process that the conformance tests run inside a container. It reports what it sees, one section
 * ("== topic") per argument, and does nothing else: a shell would add its own descriptors, umask,
 * children and environment to what is being measured. Static, so that it runs in an empty root file system.
 * probe.ts reads its output.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

static void outcome(int ret) {
  printf("%s\n", ret < 0 ? strerrorname_np(errno) : "ok");
}

static void dump_file(const char *path) {
  char buf[65536];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    printf("! %s\n", strerrorname_np(errno));
    return;
  }
  ssize_t n;
  char last = '\n';
  while ((n = read(fd, buf, sizeof buf)) > 0) {
    fwrite(buf, 1, (size_t)n, stdout);
    last = buf[n - 1];
  }
  if (n < 0)
    printf("! %s\n", strerrorname_np(errno));
  else if (last != '\n')
    putchar('\n');
  close(fd);
}

static void dump_stat(const char *path) {
  struct stat st;
  char link[4096];
  if (lstat(path, &st) < 0) {
    printf("! %s\n", strerrorname_np(errno));
    return;
  }
  const char *kind = S_ISDIR(st.st_mode)    ? "dir"
                     : S_ISREG(st.st_mode)  ? "file"
                     : S_ISLNK(st.st_mode)  ? "symlink"
                     : S_ISCHR(st.st_mode)  ? "char"
                     : S_ISBLK(st.st_mode)  ? "block"
                     : S_ISFIFO(st.st_mode) ? "fifo"
                                            : "socket";
  printf("%s %04o %u:%u %u:%u %lld", kind, st.st_mode & 07777, st.st_uid, st.st_gid, major(st.st_rdev),
         minor(st.st_rdev), (long long)st.st_size);
  if (S_ISLNK(st.st_mode)) {
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n >= 0) printf(" -> %.*s", (int)n, link);
  }
  putchar('\n');
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void dump_dir(const char *path) {
  struct dirent **list;
  int n = scandir(path, &list, NULL, by_name);
  if (n < 0) {
    printf("! %s\n", strerrorname_np(errno));
    return;
  }
  for (int i = 0; i < n; i++) {
    if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, "..")) printf("%s\n", list[i]->d_name);
    free(list[i]);
  }
  free(list);
}

/* Finds open descriptors by trying each number: listing /proc/self/fd needs one itself, and /proc may be missing. */
static void dump_fds(void) {
  for (int fd = 0; fd < 1024; fd++) {
    struct stat st;
    char path[64], link[4096];
    if (fstat(fd, &st) < 0) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, link, sizeof link);
    printf("%d %.*s\n", fd, n < 0 ? 1 : (int)n, n < 0 ? "?" : link);
  }
}

static void dump_namespaces(void) {
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64], link[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    ssize_t n = readlink(path, link, sizeof link);
    if (n > 0) printf("%s %.*s\n", names[i], (int)n, link);
  }
}

static void dump_rlimits(void) {
  static const char *const names[] = {"CPU",      "FSIZE",  "DATA",    "STACK", "CORE",  "RSS",
                                      "NPROC",    "NOFILE", "MEMLOCK", "AS",    "LOCKS", "SIGPENDING",
                                      "MSGQUEUE", "NICE",   "RTPRIO",  "RTTIME"};
  for (int i = 0; i < 16; i++) {
    struct rlimit lim;
    if (getrlimit((__rlimit_resource_t)i, &lim) == 0)
      printf("RLIMIT_%s %llu %llu\n", names[i], (unsigned long long)lim.rlim_cur, (unsigned long long)lim.rlim_max);
  }
}

static void dump_process(void) {
  gid_t groups[64];
  int n = getgroups(64, groups);
  mode_t mask = umask(0);
  umask(mask);
  char cwd[4096];
  printf("pid %d\nppid %d\nsid %d\npgid %d\nuid %u %u\ngid %u %u\ngroups", getpid(), getppid(), getsid(0), getpgid(0),
         getuid(), geteuid(), getgid(), getegid());
  for (int i = 0; i < n; i++) printf(" %u", groups[i]);
  printf("\numask %04o\ncwd %s\n", mask, getcwd(cwd, sizeof cwd) ? cwd : "!");
  printf("dumpable %d\nsecurebits %d\nnnp %d\npdeathsig ", prctl(PR_GET_DUMPABLE), prctl(PR_GET_SECUREBITS),
         prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  int sig = 0;
  prctl(PR_GET_PDEATHSIG, &sig);
  printf("%d\nsubreaper ", sig);
  prctl(PR_GET_CHILD_SUBREAPER, &sig);
  printf("%d\npersonality %x\n", sig, (unsigned)personality(0xffffffff));
}

static void dump_terminal(void) {
  struct winsize ws = {0};
  for (int fd = 0; fd < 3; fd++) {
    char *name = isatty(fd) ? ttyname(fd) : NULL;
    printf("%d %s\n", fd, isatty(fd) ? (name ? name : "tty") : "no");
  }
  int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
  printf("controlling %s\n", tty < 0 ? strerrorname_np(errno) : "ok");
  if (tty >= 0) close(tty);
  if (ioctl(0, TIOCGWINSZ, &ws) == 0) printf("size %d %d\n", ws.ws_row, ws.ws_col);
}

static void dump_keyring(void) {
  char buf[256];
  long id = syscall(SYS_keyctl, 0L /* GET_KEYRING_ID */, -3L /* session */, 0L);
  long n = syscall(SYS_keyctl, 6L /* DESCRIBE */, -3L, buf, (long)sizeof buf);
  printf("%ld %s\n", id, n > 0 ? buf : "!");
}

/* The SELinux labels of the session keyring and of a file. */
static void dump_label(const char *path) {
  char label[256] = "";
  long n = path[0] ? lgetxattr(path, "security.selinux", label, sizeof label - 1)
                   : syscall(SYS_keyctl, 17L /* GET_SECURITY */, -3L, label, sizeof label - 1);
  printf("%s\n", n < 0 ? strerrorname_np(errno) : label);
}

/* Really writes one byte, because either call may return EROFS or EPERM. */
static void try_write(const char *path, int flags) {
  int fd = open(path, flags | O_WRONLY | O_CLOEXEC | O_NOCTTY, 0644);
  if (fd < 0 || (flags & O_TRUNC))
    outcome(fd);
  else
    outcome((int)write(fd, "\n", 1));
  if (fd >= 0) close(fd);
}

static void try_node(const char *spec) {
  unsigned ma, mi;
  char kind, path[4096];
  if (sscanf(spec, "%c:%u:%u:%4095s", &kind, &ma, &mi, path) != 4) exit(99);
  int ret = mknod(path, (kind == 'b' ? S_IFBLK : S_IFCHR) | 0666, makedev(ma, mi));
  outcome(ret);
  if (ret == 0) unlink(path);
}

static void try_syscall(const char *name) {
  char buf[4096];
  if (!strcmp(name, "getcwd"))
    outcome((int)syscall(SYS_getcwd, buf, sizeof buf));
  else if (!strcmp(name, "mount"))
    outcome(mount("none", "/tmp", "tmpfs", 0, NULL));
  else if (!strcmp(name, "unshare"))
    outcome(unshare(CLONE_NEWUSER));
  else if (!strcmp(name, "personality"))
    outcome(personality(0x0008));
  else if (!strcmp(name, "ptrace"))
    outcome((int)syscall(SYS_ptrace, 0L, 0L, 0L, 0L));
  else if (!strcmp(name, "keyctl"))
    outcome((int)syscall(SYS_keyctl, 0L, -3L, 0L));
  else if (!strcmp(name, "clone3"))
    outcome((int)syscall(SYS_clone3, NULL, 0L));
  else if (!strcmp(name, "socket-vsock"))
    outcome(socket(40, SOCK_STREAM, 0));
  else if (!strcmp(name, "tiocsti"))
    outcome(ioctl(0, TIOCSTI, "x"));
  else if (!strcmp(name, "sethostname"))
    outcome(sethostname("changed", 7));
  else
    exit(98);
}

/* sd_notify(3). */
static void notify(const char *text) {
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  const char *path = getenv("NOTIFY_SOCKET");
  if (!path) {
    printf("no socket\n");
    return;
  }
  strncpy(addr.sun_path, path, sizeof addr.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  outcome((int)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&addr, sizeof addr));
  close(fd);
}

/* Flags that processes with a shared descriptor can change for each other: fcntl(2), F_SETFL. */
static void dump_status_flags(void) {
  for (int fd = 0; fd < 3; fd++) printf("%d %o\n", fd, fcntl(fd, F_GETFL));
}

/* Scheduling attributes of the process. */
static void dump_scheduling(void) {
  printf("policy %d\nnice %d\nioprio %ld\n", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0),
         syscall(SYS_ioprio_get, 1L, 0L));
  int mode = -1;
  if (syscall(SYS_get_mempolicy, &mode, NULL, 0L, NULL, 0L) == 0) printf("mempolicy %x\n", (unsigned)mode);
}

static void report(int sig) {
  char line[] = "signal 00\n";
  line[7] = (char)('0' + sig / 10);
  line[8] = (char)('0' + sig % 10);
  if (write(1, line, sizeof line - 1) < 0) _exit(97);
  if (sig == SIGTERM) _exit(42);
}

static void handle_signals(void) {
  for (int sig = 1; sig < 32; sig++) signal(sig, report);
}

/* Reports each signal until SIGTERM; the second line tells the test that the handlers are installed. */
static void wait_signals(void) {
  handle_signals();
  printf("ready\n");
  fflush(stdout);
  for (;;) pause();
}

/* Processes that fork and exit before they can be killed. */
static void run_away(int count) {
  signal(SIGCHLD, SIG_IGN);
  while (count-- > 0) {
    if (fork() != 0) continue;
    for (;;)
      if (fork() > 0) _exit(0);
  }
  for (;;) pause();
}

static void topic(const char *arg) {
  const char *colon = strchr(arg, ':');
  const char *value = colon ? colon + 1 : "";
  size_t len = colon ? (size_t)(colon - arg) : strlen(arg);
#define IS(word) (len == strlen(word) && !strncmp(arg, word, len))
  printf("== %s\n", arg);
  if (IS("file"))
    dump_file(value);
  else if (IS("stat"))
    dump_stat(value);
  else if (IS("dir"))
    dump_dir(value);
  else if (IS("fds"))
    dump_fds();
  else if (IS("ns"))
    dump_namespaces();
  else if (IS("rlimits"))
    dump_rlimits();
  else if (IS("process"))
    dump_process();
  else if (IS("terminal"))
    dump_terminal();
  else if (IS("keyring"))
    dump_keyring();
  else if (IS("keyring-label"))
    dump_label("");
  else if (IS("label"))
    dump_label(value);
  else if (IS("write"))
    try_write(value, 0);
  else if (IS("create"))
    try_write(value, O_CREAT | O_TRUNC);
  else if (IS("mknod"))
    try_node(value);
  else if (IS("notify"))
    notify(value);
  else if (IS("lock")) /* held until this process ends */
    outcome(flock(open(value, O_RDONLY), LOCK_EX | LOCK_NB));
  else if (IS("flags"))
    dump_status_flags();
  else if (IS("scheduling"))
    dump_scheduling();
  else if (IS("try"))
    try_syscall(value);
  else if (IS("say"))
    puts(value);
  else if (IS("env")) {
    for (char **e = environ; *e; e++) puts(*e);
  } else if (IS("hostname")) {
    char name[256];
    if (gethostname(name, sizeof name) == 0) puts(name);
  } else if (IS("handle")) {
    handle_signals();
  } else if (IS("wait")) {
    wait_signals();
  } else if (IS("pause")) {
    fflush(stdout);
    for (;;) pause();
  } else if (IS("run-away")) {
    fflush(stdout);
    run_away(atoi(value));
  } else if (IS("exit")) {
    fflush(stdout);
    _exit(atoi(value));
  } else if (IS("raise")) {
    fflush(stdout);
    raise(atoi(value));
  } else {
    fprintf(stderr, "probe: unknown topic %s\n", arg);
    exit(99);
  }
#undef IS
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    topic(argv[i]);
    fflush(stdout);
  }
  return 0;
}
