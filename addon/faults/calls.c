/* Wrappers for the libc functions by which the runtime and init make system calls (the Makefile passes the names here
 * to the linker's --wrap). Each call is counted, and fails if RUNT_FAULT says so. All parameters are words, so they are
 * passed on unchanged. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "faults.h"
#include "real.h"

#define PARAMETERS long a, long b, long c, long d, long e, long f, long g
#define WRAP_TO(name, failure)                                                                                         \
  long __real_##name(PARAMETERS), __wrap_##name(PARAMETERS);                                                           \
  long __wrap_##name(PARAMETERS) {                                                                                     \
    return fault_call(#name) ? (failure) : __real_##name(a, b, c, d, e, f, g);                                         \
  }
#define WRAP(name) WRAP_TO(name, -1)
#define WRAP_POINTER(name) WRAP_TO(name, 0)
#define WRAP_BELOW(name) long __real_##name(PARAMETERS), __wrap_##name(PARAMETERS);

/* clang-format off */
WRAP(access)
WRAP(bind)
WRAP(chdir)
WRAP(chmod)
WRAP(chroot)
WRAP(clone)
WRAP(connect)
WRAP(dup2)
WRAP(dup3)
WRAP(eventfd)
WRAP(execve)
WRAP(execvp)
WRAP(faccessat)
WRAP(fchdir)
WRAP(fchmod)
WRAP(fchown)
WRAP(fchownat)
WRAP(fcntl)
WRAP(flock)
WRAP(fstat)
WRAP(fstatat)
WRAP(fstatfs)
WRAP(inotify_add_watch)
WRAP(inotify_init1)
WRAP(ioctl)
WRAP(lstat)
WRAP(memfd_create)
WRAP(mkdir)
WRAP(mkdirat)
WRAP(mkfifo)
WRAP(mknodat)
WRAP(mmap)
WRAP(mount)
WRAP(mprotect)
WRAP(nanosleep)
WRAP(open)
WRAP(openat)
WRAP(pipe2)
WRAP(poll)
WRAP(prctl)
WRAP(pwritev)
WRAP(read)
WRAP(readlink)
WRAP(readlinkat)
WRAP(recv)
WRAP(recvmsg)
WRAP(rename)
WRAP(rmdir)
WRAP(send)
WRAP(sendmsg)
WRAP(setdomainname)
WRAP(sethostname)
WRAP(setns)
WRAP(setrlimit)
WRAP(setsid)
WRAP(setsockopt)
WRAP(signalfd)
WRAP(socket)
WRAP(socketpair)
WRAP(stat)
WRAP(symlink)
WRAP(symlinkat)
WRAP(tcgetattr)
WRAP(tcsetattr)
WRAP(umount2)
WRAP(uname)
WRAP(unlink)
WRAP(unlinkat)
WRAP(unshare)
WRAP(waitid)
WRAP(waitpid)
WRAP(write)
WRAP(writev)
WRAP_BELOW(close)
WRAP_BELOW(syscall)
WRAP_POINTER(fdopendir)
WRAP_POINTER(getcwd)
WRAP_POINTER(opendir)
WRAP_POINTER(readdir)
/* clang-format on */

/* Linux closes the descriptor even if close(2) fails. Closing one that is not open is a bug in the program: the number
 * may have been reused. */
long __wrap_close(PARAMETERS) {
  static const char words[] = "faults: close of a descriptor that is not open\n";
  int fails = fault_call("close"), error = errno;
  long result = __real_close(a, b, c, d, e, f, g);
  if (result < 0 && errno == EBADF) {
    __real_write(2, (long)words, sizeof words - 1, 0, 0, 0, 0);
    abort();
  }
  if (!fails) return result;
  errno = error;
  return -1;
}

/* The log stays open when other descriptors are closed. */
long __wrap_syscall(PARAMETERS) {
  char name[16] = "syscall ";
  int at = 8;
  for (long digit = 100; digit > 0; digit /= 10) name[at++] = (char)('0' + a / digit % 10);
  if (fault_call(name)) return -1;
  if (a != SYS_close_range || b > FAULT_LOG_FD || c < FAULT_LOG_FD) return __real_syscall(a, b, c, d, e, f, g);
  long result = __real_syscall(a, b, FAULT_LOG_FD - 1, d, e, f, g);
  return result < 0 ? result : __real_syscall(a, FAULT_LOG_FD + 1, c, d, e, f, g);
}
