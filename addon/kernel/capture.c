#define _GNU_SOURCE
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cleanup.h"
#include "spawn.h"

enum { OUTPUT_LIMIT = 64 * 1024 * 1024 };

/* Reads the output to its end, then waits for the program. */
static int read_and_wait(struct machine *m, struct spawn *s, int output, struct text *out) {
  siginfo_t end;
  int error = fd_read(output, OUTPUT_LIMIT, out);
  close(output); /* so that a program that keeps writing cannot block us */
  int waited = spawn_wait(m, s, &end);
  if (error < 0 || waited < 0) return error < 0 ? error : waited;
  return end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
}

int program_capture(char *const *argv, struct text *out) {
  struct machine m = {.sync = -1};
  int ours, its;
  *out = (struct text){0};
  AUTO_FD int input = spawn_above_stdio(&m, open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (input < 0) return -errno;
  int result = spawn_pipe(&m, &ours, &its);
  if (result < 0) return result;
  struct spawn s = {.path = argv[0], .in_path = 1, .args = argv, .stdio = {input, its, -1}, .output = -1};
  result = spawn(&m, &s);
  close(its);
  if (result == 0) return read_and_wait(&m, &s, ours, out);
  close(ours);
  return result;
}
