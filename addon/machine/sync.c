/* Sends reports: from init on the sync socket or the FIFO of `runt start`, from the runtime to init. The receiving code
 * differs between the two (addon/runtime/reports.c, addon/init/start.c). */
#include <string.h>

#include "machine.h"

static struct report report_of(const struct machine *m, enum report_kind kind, int error, uint32_t value) {
  struct report r = {.kind = kind, .step = m->index, .error = error, .value = value};
  if (m->syscall) strncpy(r.syscall, m->syscall, sizeof r.syscall - 1);
  memcpy(r.detail, m->detail, sizeof r.detail);
  return r;
}

int machine_report(struct machine *m, enum report_kind kind, int error, uint32_t value) {
  struct report r = report_of(m, kind, error, value);
  /* write(2), not send(2): after start_wait the channel is a FIFO, and strict seccomp filters usually allow write. */
  ssize_t n = write(m->sync, &r, sizeof r);
  if (n < 0) return -errno;
  return n == (ssize_t)sizeof r ? 0 : -EIO; /* a seccomp filter may return any number */
}

#ifdef RUNT_INIT
int machine_pass(struct machine *m, int fd, uint32_t point) {
  struct report r = report_of(m, REPORT_SYNC, -1, point);
  struct iovec part = {&r, sizeof r};
  ssize_t n = machine_send_fd(m, m->sync, fd, &part, 1);
  if (n < 0) return (int)n;
  return n == (ssize_t)sizeof r ? 0 : -EIO;
}
#endif
