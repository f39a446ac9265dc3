/* The report that init sends on the sync socket or the FIFO of `runt start`, and the runtime to init. Receiving differs
 * between the two (addon/launch.c, addon/init/start.c). */
#include <string.h>

#include "machine.h"

int machine_report(struct machine *m, enum report_kind kind, int error, uint32_t value) {
  struct report r = {.kind = kind, .step = m->index, .error = error, .value = value};
  if (m->syscall) strncpy(r.syscall, m->syscall, sizeof r.syscall - 1);
  memcpy(r.detail, m->detail, sizeof r.detail);
  /* write, not send: after start_wait the channel is a FIFO, and a seccomp filter that allows little allows write. */
  ssize_t n = write(m->sync, &r, sizeof r);
  if (n < 0) return -errno;
  return n == (ssize_t)sizeof r ? 0 : -EIO; /* a filter may answer any number */
}
