#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* All signals except SIGKILL, SIGSTOP and those that the kernel raises for a fault in this program. */
static sigset_t forwarded(void) {
  static const int others[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  sigset_t set;
  sigfillset(&set);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) sigdelset(&set, others[i]);
  return set;
}

#ifndef BUILDING_NODE_EXTENSION
int signals_hold(void) {
  sigset_t set = forwarded();
  return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

int signals_open(void) {
  int error = signals_hold();
  if (error < 0) return error;
  sigset_t set = forwarded();
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int signals_next(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

void signals_stop(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  raise(signal);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  sigprocmask(SIG_BLOCK, &set, NULL);
}
#else
/* A handler and a pipe, not signalfd(2): Node has other threads that block no signals, and the kernel would deliver to
 * them what this thread blocks. Handlers belong to the whole process. */
static int ends[2] = {-1, -1};

static void on_signal(int signal) {
  int saved = errno;
  unsigned char number = (unsigned char)signal;
  if (write(ends[1], &number, 1) < 0) {
    /* a full pipe holds thousands of signals; further ones may be lost */
  }
  errno = saved;
}

int signals_hold(void) {
  if (ends[0] < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  sigset_t set = forwarded();
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  for (int signal = 1; signal < SIGRTMIN; signal++)
    if (sigismember(&set, signal) == 1 && sigaction(signal, &action, NULL) < 0) return -errno;
  return 0;
}

int signals_open(void) {
  int error = signals_hold();
  if (error < 0) return error;
  int fd = fcntl(ends[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return fd < 0 ? -errno : fd;
}

int signals_next(int fd) {
  unsigned char number;
  return read(fd, &number, 1) == 1 ? number : 0;
}

void signals_stop(int signal) {
  struct sigaction usual = {.sa_handler = SIG_DFL}, ours;
  sigaction(signal, &usual, &ours);
  raise(signal);
  sigaction(signal, &ours, NULL);
}
#endif
