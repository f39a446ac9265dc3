/* Waits for a process that spawn() has started: with a timeout, and with its output. */
#include <poll.h>

#include "deadline.h"
#include "spawn.h"

static void take_output(struct spawn *s) {
  char data[4096];
  ssize_t length = read(s->output, data, sizeof data);
  if (length > 0) {
    s->take(s, data, (size_t)length);
  } else {
    close(s->output);
    s->output = -1;
  }
}

/* Reads output until the process has ended; kills it at the deadline. */
static int watch(struct machine *m, struct spawn *s) {
  int64_t deadline = s->timeout > 0 && s->timeout <= INT32_MAX ? clock_milliseconds() + s->timeout * 1000 : -1;
  for (;;) {
    struct pollfd ready[] = {{.fd = s->pidfd, .events = POLLIN}, {.fd = s->output, .events = POLLIN}};
    int left = milliseconds_until(deadline);
    int n = (int)CALL(m, "poll", poll(ready, 2, left));
    if (n < 0 && !is_interrupted(n)) return n;
    if (n > 0 && ready[0].revents) return 0;
    if (n > 0 && ready[1].revents) take_output(s);
    if (left == 0 && n <= 0) {
      s->timed_out = 1;
      deadline = -1;
      spawn_kill(s);
    }
  }
}

/* Reads what is left in the pipe. Does not wait for processes that the program left behind. */
static void drain(struct spawn *s) {
  for (int i = 0; i < 32 && s->output >= 0; i++) {
    struct pollfd ready = {.fd = s->output, .events = POLLIN};
    if (poll(&ready, 1, 0) <= 0) return;
    take_output(s);
  }
}

int spawn_wait(struct machine *m, struct spawn *s, siginfo_t *end) {
  *end = (siginfo_t){0};
  int result = watch(m, s);
  if (result < 0) spawn_kill(s);
  int reaped = spawn_reap(m, s, end);
  if (end->si_status != 0 || s->timed_out) drain(s); /* the output is for an error message */
  return result < 0 ? result : reaped;
}
