#define _GNU_SOURCE
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"

enum { OUTPUT_LIMIT = 64 * 1024 * 1024 };

extern char **environ;

/* Makes only async-signal-safe calls: it runs after fork(2), and Node has threads. */
__attribute__((noreturn)) static void run_child(char *const *argv, int output, int failure) {
  int input = open("/dev/null", O_RDONLY);
  if (input >= 0 && dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0) execvp(argv[0], argv);
  int error = errno;
  _exit(write(failure, &error, sizeof error) > 0 ? 127 : 126);
}

/* Returns 0 once the program runs. The child reports an error on a pipe that execve(2) closes. */
static int start(char *const *argv, int output, pid_t *pid) {
  int ends[2], error = 0;
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  AUTO_FD int failure = ends[0];
  *pid = fork();
  if (*pid == 0) run_child(argv, output, ends[1]);
  if (*pid < 0) error = errno;
  close(ends[1]);
  if (*pid > 0 && read(failure, &error, sizeof error) > 0) waitpid(*pid, NULL, 0);
  return -error;
}

int program_capture(char *const *argv, struct text *out) {
  *out = (struct text){0};
  int ends[2], status;
  pid_t pid = -1;
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  AUTO_FD int input = ends[0];
  int error = start(argv, ends[1], &pid);
  close(ends[1]);
  if (error < 0) return error;
  error = fd_read(input, OUTPUT_LIMIT, out);
  close(input);
  input = -1; /* close the pipe, so that a program that keeps writing cannot block us */
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -errno;
  if (error < 0) return error;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
