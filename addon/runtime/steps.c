/* Small steps of the runtime alone, which init's image does not contain. */
#include "machine.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "files.h"

int op_mkfifo(struct machine *m, const struct step_mkfifo *s) {
  int result = (int)CALL(m, "mkfifo", mkfifo(s->path, (mode_t)s->mode));
  if (result < 0) return result;
  int fd = (int)CALL(m, "open", open(s->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (fd < 0) return fd;
  machine_fill(m, s->into, fd);
  return 0;
}

int op_claim_cgroup(struct machine *m, const struct step_claim_cgroup *s) {
  char first; /* openat: musl's open(2) makes a second call for O_CLOEXEC */
  struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = s->offset, .l_len = 1};
  int fd = (int)CALL(m, "open", openat(AT_FDCWD, s->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, LOCK_FILE_MODE));
  if (fd < 0) return fd;
  int result = (int)CALL(m, "fcntl", fcntl(fd, F_OFD_SETLK, &byte));
  CLEANUP_FD int list =
      result < 0 ? -1 : (int)CALL(m, "open", openat(AT_FDCWD, s->list, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (result == 0) result = list < 0 ? list : (int)CALL(m, "read", read(list, &first, 1));
  if (result > 0) result = -EBUSY;
  if (result < 0)
    close(fd);
  else
    machine_fill(m, s->into, fd);
  return result;
}

int op_socketpair(struct machine *m, const struct step_socketpair *s) {
  int ends[2];
  int result = (int)CALL(m, "socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
  if (result < 0) return result;
  machine_fill(m, s->ours, ends[0]);
  machine_fill(m, s->theirs, ends[1]);
  return 0;
}
