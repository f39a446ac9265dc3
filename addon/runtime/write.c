#include "write.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int write_existing(struct machine *m, const char *path, const char *data) {
  CLEANUP_FD int fd = (int)CALL(m, "open", open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd < 0) return fd;
  ssize_t n = CALL(m, "write", write(fd, data, strlen(data)));
  return n < 0 ? (int)n : 0;
}

int write_pid_to(struct machine *m, const char *path, pid_t pid) {
  char text[16];
  snprintf(text, sizeof text, "%d", pid);
  return write_existing(m, path, text);
}

int op_write_child(struct machine *m, const struct step_write_child *s) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", m->child, s->file);
  return write_existing(m, path, s->data);
}

int op_write_pid(struct machine *m, const struct step_write_pid *s) {
  return write_pid_to(m, s->path, m->child);
}
