/*
 * aid.c: what Node cannot do for the conformance tests: receive descriptors over a socket (SCM_RIGHTS, unix(7)), own
 * a pseudoterminal, act as a shell with job control, a service manager or a subreaper, exchange two directory entries.
 * One verb per run; results are lines on stdout.
 *
 *   aid console SOCKET          listen, receive a pty master, print "master NAME-SENT ROWS COLS", then relay it
 *   aid pidfd SOCKET            listen, receive a pidfd, print "pid N", wait for that process, print "exited"
 *   aid agent SOCKET ERRNO      listen, receive a seccomp listener, print "state JSON" and a line for each call, and
 *                               fail the call with the errno (0: let it continue)
 *   aid pty ROWS COLS CMD...    run CMD with a new pty as its controlling terminal, relay it; CMD's exit status
 *   aid job CMD...              on a terminal: run CMD as a foreground job; when it stops print "stopped SIGNAL MODES"
 *                               and continue it in the foreground, at its end print "ended STATUS MODES"
 *   aid background CMD...       the same, but it starts in the background
 *   aid manager SOCKET          a datagram socket as of systemd: print "notify TEXT" for each message, newlines as "|"
 *   aid reap CMD...             run CMD as its subreaper; print "main PID STATUS" and "orphan PID STATUS" lines
 *   aid swap MS A B             exchange A and B for MS milliseconds
 *   aid ignore SIGNAL CMD...    run CMD with one signal ignored and blocked
 *   aid parent-death CMD...     run CMD with SIGKILL as its parent-death signal
 *   aid keys CMD...             run CMD as a user whose quota of keys (keyrings(7)) is used up
 *   aid setcap FILE NUMBER      give the file one capability, with the effective bit (capabilities(7))
 *   aid seals FILE              print the seals of a memory file (F_GET_SEALS), one a line
 *   aid hold PID                trace the process (ptrace(2)), print "held", and keep it from exiting until aid is
 * killed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
  perror(what);
  exit(125);
}

static int status_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void write_all(int fd, const char *buf, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, buf, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    buf += n;
    len -= (size_t)n;
  }
}

static volatile sig_atomic_t grow;

static void want_growth(int sig) {
  (void)sig;
  grow = 1;
}

/* Copies terminal output to stdout, and stdin to the terminal, until no process has the slave open. */
static void relay(int master) {
  char buf[4096];
  struct pollfd fds[2] = {{.fd = master, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
  for (;;) {
    int ready = poll(fds, 2, -1);
    if (ready < 0 && errno != EINTR) die("poll");
    if (grow) {
      struct winsize ws;
      grow = 0;
      if (ioctl(master, TIOCGWINSZ, &ws) < 0) die("TIOCGWINSZ");
      ws.ws_row += 10;
      ws.ws_col += 10;
      if (ioctl(master, TIOCSWINSZ, &ws) < 0) die("TIOCSWINSZ");
    }
    if (ready < 0) continue;
    if (fds[0].revents) {
      ssize_t n = read(master, buf, sizeof buf);
      if (n <= 0) return;
      write_all(1, buf, (size_t)n);
    }
    if (fds[1].revents) {
      ssize_t n = read(0, buf, sizeof buf);
      if (n <= 0)
        fds[1].fd = -1;
      else
        write_all(master, buf, (size_t)n);
    }
  }
}

/* The connection that receive_fd has accepted. */
static int connection;

/* Listens, prints "listening", and returns the one descriptor of the first message; its text goes to name. */
static int receive_fd(const char *path, char *name, size_t size) {
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  char dir[4096];
  snprintf(dir, sizeof dir, "%s", path);
  char *base = strrchr(dir, '/');
  /* sun_path holds 108 bytes and some test paths are longer: bind relative to the directory. */
  if (base) {
    *base++ = 0;
    if (chdir(dir) < 0) die("chdir");
  } else {
    base = dir;
  }
  if (strlen(base) >= sizeof addr.sun_path) die("socket name too long");
  strcpy(addr.sun_path, base);
  int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(sock, 4) < 0) die("listen");
  printf("listening\n");
  fflush(stdout);
  int conn = accept(sock, NULL, NULL);
  if (conn < 0) die("accept");
  connection = conn;
  char control[CMSG_SPACE(8 * sizeof(int))] = {0};
  struct iovec iov = {name, size - 1};
  struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t n = recvmsg(conn, &msg, MSG_CMSG_CLOEXEC);
  if (n < 0) die("recvmsg");
  name[n] = 0;
  struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
  if (!head || head->cmsg_type != SCM_RIGHTS) {
    printf("no descriptor\n");
    exit(1);
  }
  size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  if (count != 1) printf("descriptors %zu\n", count);
  int fd;
  memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return fd;
}

static int console(char **argv) {
  char name[4096];
  struct winsize ws = {0};
  int master = receive_fd(argv[0], name, sizeof name);
  unsigned number = 0;
  if (ioctl(master, TIOCGPTN, &number) < 0) printf("not a pty master: %s\n", strerror(errno));
  ioctl(master, TIOCGWINSZ, &ws);
  printf("master %s %d %d\n", name, ws.ws_row, ws.ws_col);
  fflush(stdout);
  relay(master);
  return 0;
}

static int pidfd(char **argv) {
  char name[4096], path[64], line[256];
  int fd = receive_fd(argv[0], name, sizeof name);
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  FILE *info = fopen(path, "re");
  int pid = 0;
  while (info && fgets(line, sizeof line, info)) sscanf(line, "Pid: %d", &pid);
  printf("pid %d\n", pid);
  fflush(stdout);
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  while (poll(&wait, 1, -1) < 0 && errno == EINTR) continue;
  printf("exited\n");
  return 0;
}

static int agent(char **argv) {
  char state[65536];
  int listener = receive_fd(argv[0], state, sizeof state);
  size_t length = strlen(state);
  ssize_t n;
  while ((n = read(connection, state + length, sizeof state - 1 - length)) > 0) length += (size_t)n;
  state[length] = 0;
  printf("state %s\n", state);
  fflush(stdout);
  for (;;) {
    struct seccomp_notif call = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
      if (errno == EINTR || errno == ENOENT) continue;
      return 1;
    }
    struct seccomp_notif_resp answer = {.id = call.id, .error = -atoi(argv[1])};
    if (answer.error == 0) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    printf("call %d of %u\n", call.data.nr, call.pid);
    fflush(stdout);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 && errno != ENOENT) die("NOTIF_SEND");
  }
}

static int pty(char **argv) {
  struct winsize ws = {.ws_row = (unsigned short)atoi(argv[0]), .ws_col = (unsigned short)atoi(argv[1])};
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) die("openpt");
  const char *name = ptsname(master);
  if (!name) die("ptsname");
  int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0 || ioctl(master, TIOCSWINSZ, &ws) < 0) die(name);
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    execvp(argv[2], argv + 2);
    die(argv[2]);
  }
  close(slave);
  struct sigaction action = {.sa_handler = want_growth};
  sigaction(SIGUSR1, &action, NULL);
  relay(master);
  int status;
  if (waitpid(pid, &status, 0) < 0) die("waitpid");
  return status_of(status);
}

/* Whether the terminal is in the mode that shells leave: canonical input, echo, and keys that send signals. */
static const char *modes(void) {
  struct termios now;
  if (tcgetattr(0, &now) < 0) return "none";
  tcflag_t usual = ICANON | ECHO | ISIG;
  return (now.c_lflag & usual) == usual ? "cooked" : "raw";
}

static int job(char **argv, int foreground) {
  int status = 0;
  signal(SIGTTOU, SIG_IGN);
  pid_t pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    if (foreground) tcsetpgrp(0, getpid());
    signal(SIGTTOU, SIG_DFL);
    execvp(argv[0], argv);
    die(argv[0]);
  }
  printf("job %d\n", pid);
  fflush(stdout);
  for (;;) {
    if (waitpid(pid, &status, WUNTRACED) < 0) die("waitpid");
    if (!WIFSTOPPED(status)) break;
    tcsetpgrp(0, getpgrp());
    printf("stopped %d %s\n", WSTOPSIG(status), modes());
    fflush(stdout);
    usleep(100000);
    tcsetpgrp(0, pid);
    kill(-pid, SIGCONT);
  }
  tcsetpgrp(0, getpgrp());
  printf("ended %d %s\n", status_of(status), modes());
  return 0;
}

static int manager(char **argv) {
  char text[4096], control[CMSG_SPACE(sizeof(int))];
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  strncpy(addr.sun_path, argv[0], sizeof addr.sun_path - 1);
  socklen_t size = sizeof addr;
  if (argv[0][0] == '@') { /* unix(7): the length is part of an abstract name */
    addr.sun_path[0] = 0;
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(argv[0]));
  }
  int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sock < 0 || bind(sock, (struct sockaddr *)&addr, size) < 0) die("bind");
  printf("listening\n");
  fflush(stdout);
  for (;;) {
    struct iovec iov = {text, sizeof text - 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    if (n < 0) return 1;
    text[n] = 0;
    for (char *c = text; *c; c++)
      if (*c == '\n') *c = '|';
    printf("notify %s\n", text);
    fflush(stdout);
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    int fd = -1;
    if (head && head->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(head), sizeof fd);
    if (fd >= 0) close(fd); /* sd_notify_barrier(3) */
  }
}

static int reap(char **argv) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t main_pid = fork();
  if (main_pid == 0) {
    execvp(argv[0], argv);
    die(argv[0]);
  }
  for (;;) {
    int status;
    pid_t pid = wait(&status);
    if (pid < 0 && errno == ECHILD) return 0;
    if (pid < 0) continue;
    printf("%s %d %d\n", pid == main_pid ? "main" : "orphan", pid, status_of(status));
    fflush(stdout);
  }
}

static int swap(char **argv) {
  struct timespec now, end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  long ms = atol(argv[0]);
  end.tv_sec += ms / 1000;
  do {
    if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0) die("renameat2");
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
  return 0;
}

static int seals(const char *path) {
  static const struct {
    int seal;
    const char *name;
  } all[] = {{F_SEAL_SEAL, "seal"}, {F_SEAL_SHRINK, "shrink"}, {F_SEAL_GROW, "grow"}, {F_SEAL_WRITE, "write"}};
  int fd = open(path, O_RDONLY);
  int found = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);
  if (found < 0) die(path);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (found & all[i].seal) puts(all[i].name);
  return 0;
}

__attribute__((noreturn)) static void hold(pid_t pid) {
  if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(long)PTRACE_O_TRACEEXIT) < 0) die("ptrace");
  puts("held");
  fflush(stdout);
  for (;;) pause();
}

/* The keys stay as long as the session keyring, which CMD inherits. */
static int use_up_keys(char **argv) {
  char name[32];
  if (syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL) < 0) die("keyctl");
  for (int i = 0; i < 100000; i++) {
    snprintf(name, sizeof name, "aid%d", i);
    if (syscall(SYS_add_key, "user", name, "x", 1, -3 /* KEY_SPEC_SESSION_KEYRING */) >= 0) continue;
    if (errno != EDQUOT) die("add_key");
    execvp(argv[0], argv);
    die(argv[0]);
  }
  return 125;
}

static int set_capability(const char *path, int capability) {
  /* VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, permitted and inheritable, low and high words */
  uint32_t data[5] = {0x02000001};
  data[1 + 2 * (capability / 32)] = 1U << (capability % 32);
  if (setxattr(path, "security.capability", data, sizeof data, 0) < 0) die("setxattr");
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) return 125;
  const char *verb = argv[1];
  char **rest = argv + 2;
  if (!strcmp(verb, "console")) return console(rest);
  if (!strcmp(verb, "pidfd")) return pidfd(rest);
  if (!strcmp(verb, "agent") && argc == 4) return agent(rest);
  if (!strcmp(verb, "pty") && argc > 4) return pty(rest);
  if (!strcmp(verb, "job")) return job(rest, 1);
  if (!strcmp(verb, "background")) return job(rest, 0);
  if (!strcmp(verb, "manager")) return manager(rest);
  if (!strcmp(verb, "reap")) return reap(rest);
  if (!strcmp(verb, "swap") && argc == 5) return swap(rest);
  if (!strcmp(verb, "ignore") && argc > 3) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, atoi(rest[0]));
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(atoi(rest[0]), SIG_IGN);
    execvp(rest[1], rest + 1);
    die(rest[1]);
  }
  if (!strcmp(verb, "parent-death")) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(rest[0], rest);
    die(rest[0]);
  }
  if (!strcmp(verb, "keys")) return use_up_keys(rest);
  if (!strcmp(verb, "setcap") && argc == 4) return set_capability(rest[0], atoi(rest[1]));
  if (!strcmp(verb, "seals")) return seals(rest[0]);
  if (!strcmp(verb, "hold")) hold(atoi(rest[0]));
  fprintf(stderr, "aid: unknown verb %s\n", verb);
  return 125;
}
