#define _GNU_SOURCE
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "cleanup.h"
#include "process.h"
#include "signals.h"

/* One direction of the relay. It reads only when its buffer is empty, so a stalled reader stops the writer and does not
 * block us. */
struct relay {
  int from, to; /* from -1: at its end */
  size_t start, end;
  char bytes[4096]; /* no more than a pipe takes at once when poll(2) reports it writable */
};

struct supervisor {
  int active; /* between two calls: SUPERVISE_WATCH_READABLE was returned, the child has not ended */
  pid_t pid;
  int status; /* of waitpid(2), once `ended` */
  int ended;
  int asked;   /* the watched descriptor is readable */
  int signals; /* from signals_open */
  int watch;   /* the caller's, -1 none */
  int pidfd;   /* readable when the child has ended; in Node another thread may get SIGCHLD */
  int master;
  int terminal;    /* ours, -1 none */
  int raw;         /* `saved` must be restored */
  int input_ended; /* no more input will come */
  struct termios saved;
  struct relay in, out;
};

/* Opens our own terminal: one of the standard descriptors, or the controlling terminal. */
static int open_terminal(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (isatty(fd)) return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void copy_size(int terminal, int master) {
  struct winsize size;
  if (terminal >= 0 && ioctl(terminal, TIOCGWINSZ, &size) == 0) ioctl(master, TIOCSWINSZ, &size);
}

int terminal_size(int *columns, int *rows) {
  struct winsize size;
  AUTO_FD int terminal = open_terminal();
  if (terminal < 0 || ioctl(terminal, TIOCGWINSZ, &size) < 0) return -errno;
  *columns = size.ws_col;
  *rows = size.ws_row;
  return 0;
}

static int reap(struct supervisor *s) {
  int status;
  for (;;) {
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid == 0) return 0;
    if (pid < 0) return errno == EINTR ? 0 : -errno;
    if (pid != s->pid) continue;
    s->ended = 1;
    s->status = status;
    return 0;
  }
}

/* ---- our terminal ---- */

/* termios(3): a background process must not change the terminal. If it is not the controlling terminal, there is no job
 * control. */
static int in_foreground(int terminal) {
  pid_t group = tcgetpgrp(terminal);
  return group < 0 || group == getpgrp();
}

/* Sets our terminal to raw mode, so that keys such as ^C go to the container's terminal. If input comes from elsewhere,
 * the mode is unchanged, so that ^C still interrupts us. */
static int enter_raw(struct supervisor *s) {
  if (s->raw || s->terminal < 0 || !isatty(STDIN_FILENO) || !in_foreground(s->terminal)) return 0;
  if (tcgetattr(s->terminal, &s->saved) < 0) return -errno;
  struct termios raw = s->saved;
  cfmakeraw(&raw);
  if (tcsetattr(s->terminal, TCSANOW, &raw) < 0) return -errno;
  s->raw = 1;
  return 0;
}

static void leave_raw(struct supervisor *s) {
  if (s->raw) tcsetattr(s->terminal, TCSANOW, &s->saved);
  s->raw = 0;
}

/* After a stop, our terminal may have another size and the shell's modes. */
static void continue_terminal(struct supervisor *s) {
  if (s->master < 0) return;
  copy_size(s->terminal, s->master);
  enter_raw(s);
  if (!s->input_ended) s->in.from = STDIN_FILENO;
}

/* Restores the terminal for the shell, then stops. The kernel does not stop an orphaned process group. */
static void stop(struct supervisor *s, int signal) {
  leave_raw(s);
  signals_stop(signal);
  continue_terminal(s);
}

/* ---- signals ---- */

/* The child is signalled before it is reaped, so its pid has not been reused. */
static int handle_signals(struct supervisor *s) {
  int signal;
  while (!s->ended && (signal = signals_next(s->signals)) != 0) {
    if (signal == SIGCHLD) {
      int error = reap(s);
      if (error < 0) return error;
    } else if (signal == SIGWINCH && s->master >= 0) {
      copy_size(s->terminal, s->master);
    } else if (signal != SIGPIPE && signal != SIGTTOU && signal != SIGTTIN) {
      if (signal == SIGCONT) continue_terminal(s);
      kill(s->pid, signal);
      if (signal == SIGTSTP) stop(s, signal);
    }
  }
  return 0;
}

/* ---- the relay ---- */

static void fill(struct relay *relay) {
  ssize_t got = read(relay->from, relay->bytes, sizeof relay->bytes);
  if (got > 0) {
    relay->start = 0;
    relay->end = (size_t)got;
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    relay->from = -1; /* end of file, or EIO: no process has the other side of the terminal open */
  }
}

/* Reading fails with EIO in the background: stop until we are in the foreground, as SIGTTIN would. */
static void fill_input(struct supervisor *s) {
  int background = isatty(STDIN_FILENO) && !in_foreground(STDIN_FILENO);
  if (background) stop(s, SIGTTIN);
  if (background && !in_foreground(STDIN_FILENO)) {
    s->in.from = -1; /* until we are continued */
  } else {
    fill(&s->in);
    s->input_ended = s->in.from < 0;
  }
}

/* Drops output that cannot be written: the container must not stop because the reader of our output has gone. */
static void flush(struct relay *relay) {
  ssize_t written = write(relay->to, relay->bytes + relay->start, relay->end - relay->start);
  if (written >= 0)
    relay->start += (size_t)written;
  else if (errno != EAGAIN && errno != EINTR)
    relay->start = relay->end;
}

static int pending(const struct relay *relay) {
  return relay->start < relay->end;
}

/* Reopens standard output as non-blocking if that does not affect the caller's descriptor: a stopped terminal must not
 * keep us from handling signals. */
static int open_output(void) {
  struct stat status;
  if (fstat(STDOUT_FILENO, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode))) {
    int fd = openat(AT_FDCWD, "/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) return fd;
  }
  return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static int start_relay(struct supervisor *s, int output) {
  s->in = (struct relay){.from = STDIN_FILENO, .to = s->master};
  s->out = (struct relay){.from = s->master, .to = output};
  int flags = fcntl(s->master, F_GETFL);
  if (flags < 0 || fcntl(s->master, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  s->terminal = open_terminal();
  copy_size(s->terminal, s->master);
  return enter_raw(s);
}

static void finish(struct supervisor *s) {
  leave_raw(s);
  s->active = 0;
  if (s->terminal >= 0) close(s->terminal);
  if (s->out.to >= 0) close(s->out.to);
  if (s->signals >= 0) close(s->signals);
  if (s->pidfd >= 0) close(s->pidfd);
}

/* Runs the loop once; `timeout` 0 does not wait. Returns the number of ready descriptors or -errno. */
static int turn(struct supervisor *s, int timeout) {
  enum { SIGNALS, CHILD, INPUT, MASTER, OUTPUT, WATCH, COUNT };
  short master = 0;
  if (s->out.from >= 0 && !pending(&s->out)) master |= POLLIN;
  if (pending(&s->in)) master |= POLLOUT;
  struct pollfd fds[COUNT] = {
      [SIGNALS] = {.fd = s->signals, .events = POLLIN},
      [CHILD] = {.fd = s->pidfd, .events = POLLIN},
      [INPUT] = {.fd = pending(&s->in) || s->out.from < 0 ? -1 : s->in.from, .events = POLLIN},
      [MASTER] = {.fd = master ? s->master : -1, .events = master},
      [OUTPUT] = {.fd = pending(&s->out) ? s->out.to : -1, .events = POLLOUT},
      [WATCH] = {.fd = s->watch, .events = POLLIN},
  };
  int ready = poll(fds, COUNT, timeout);
  if (ready < 0) return errno == EINTR ? 1 : -errno;
  int error = fds[CHILD].revents ? reap(s) : 0;
  if (error == 0 && fds[SIGNALS].revents) error = handle_signals(s);
  if (error < 0) return error;
  if (fds[INPUT].revents) fill_input(s);
  if (fds[MASTER].revents && pending(&s->in)) flush(&s->in);
  if (fds[MASTER].revents && s->out.from >= 0 && !pending(&s->out)) fill(&s->out);
  if (fds[OUTPUT].revents) flush(&s->out);
  if (fds[WATCH].revents & POLLIN)
    s->asked = 1;
  else if (fds[WATCH].revents)
    s->watch = -1; /* no process uses the filter any more */
  return ready;
}

/* Forwards output that the ended process left in the terminal, unless our reader is stalled and a signal tells us to
 * stop. */
static int drain(struct supervisor *s) {
  s->in = (struct relay){.from = -1, .to = -1};
  while (s->out.from >= 0 || pending(&s->out)) {
    struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN}, {.fd = s->out.to, .events = POLLOUT}};
    if (pending(&s->out)) {
      if (poll(fds, 2, -1) < 0 && errno != EINTR) return -errno;
      if (fds[1].revents) flush(&s->out);
      int signal = fds[0].revents && !fds[1].revents ? signals_next(s->signals) : 0;
      if (signal != 0 && signal != SIGCHLD) return 0;
    } else {
      fill(&s->out);
      if (!pending(&s->out)) return 0;
    }
  }
  return 0;
}

static int begin(struct supervisor *s, pid_t pid, int master) {
  *s = (struct supervisor){
      .active = 1,
      .pid = pid,
      .master = master,
      .terminal = -1,
      .signals = signals_open(),
      .pidfd = pidfd_open_any(pid),
      .in.from = -1,
      .out = {.from = -1, .to = -1},
  };
  if (s->signals < 0) return s->signals;
  if (s->pidfd < 0) return s->pidfd;
  if (master < 0) return 0;
  int output = open_output();
  return output < 0 ? -errno : start_relay(s, output);
}

int supervise(pid_t pid, int master, int watch) {
  static struct supervisor s;
  int error = s.active ? 0 : begin(&s, pid, master);
  s.watch = watch;
  s.asked = 0;
  while (error >= 0 && !s.ended && !s.asked) error = turn(&s, -1);
  if (error >= 0 && !s.ended) return SUPERVISE_WATCH_READABLE;
  if (error >= 0 && master >= 0) error = drain(&s);
  finish(&s);
  if (error < 0) return error;
  return WIFSIGNALED(s.status) ? 128 + WTERMSIG(s.status) : WEXITSTATUS(s.status);
}
