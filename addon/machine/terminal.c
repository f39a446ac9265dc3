/* The container's terminal, and passing descriptors over AF_UNIX sockets. */
#include "paths.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "weaken.h"
#include "text.h"
#include "unix_socket.h"

static int open_master(struct machine *m, const struct step_open_pty *s) {
  const int flags = O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;
  if (s->devpts < 0) return (int)CALL(m, "open", open("/dev/ptmx", flags & ~O_NOFOLLOW));
  int devpts = machine_fd(m, s->devpts);
  int result = path_check_fs(m, devpts, KERNEL_DEVPTS_SUPER_MAGIC);
  return result < 0 ? result : (int)CALL(m, "openat", openat(devpts, "ptmx", flags));
}

static int leave_newlines(struct machine *m, int peer) {
  struct termios state;
  int result = (int)CALL(m, "tcgetattr", tcgetattr(peer, &state));
  if (result < 0) return result;
  state.c_oflag &= ~(tcflag_t)ONLCR;
  return (int)CALL(m, "tcsetattr", tcsetattr(peer, TCSANOW, &state));
}

static int set_up_peer(struct machine *m, const struct step_open_pty *s, int peer) {
  struct winsize size = {.ws_row = (unsigned short)s->rows, .ws_col = (unsigned short)s->columns};
  int result = 0;
  if (s->rows && s->columns) result = (int)CALL(m, "ioctl", ioctl(peer, TIOCSWINSZ, &size));
  if (result == 0 && s->plain_newlines) result = leave_newlines(m, peer);
  /* devpts(5) gives the terminal to the user who opens it and to the group of the mount option gid; keep that group
   * unless the step names one. */
  gid_t group = s->gid > 0 ? (gid_t)s->gid : (gid_t)-1;
  if (result == 0 && (s->uid || group != (gid_t)-1))
    result = (int)CALL(m, "fchown", fchown(peer, (uid_t)s->uid, group));
  return result;
}

int op_open_pty(struct machine *m, const struct step_open_pty *s) {
  int unlock = 0;
  int master = open_master(m, s);
  if (master < 0) return master;
  int result = (int)CALL(m, "ioctl", ioctl(master, TIOCSPTLCK, &unlock));
  /* CVE-2025-52565: the peer comes from this descriptor, never from a path that may have been replaced. */
  int peer = result < 0 ? result : (int)CALL(m, "ioctl", ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (peer >= 0) result = set_up_peer(m, s, peer);
  if (peer >= 0 && result == 0) {
    machine_fill(m, s->master, master);
    machine_fill(m, s->peer, peer);
    return 0;
  }
  close(master);
  if (peer >= 0) close(peer);
  return peer < 0 ? peer : result;
}

int op_setsid(struct machine *m, const struct step_setsid *s) {
  (void)s;
  if (WEAKENED("session")) return 0;
  int result = (int)CALL(m, "setsid", setsid());
  return result < 0 ? result : 0;
}

int op_set_terminal(struct machine *m, const struct step_set_terminal *s) {
  int fd = machine_fd(m, s->fd);
  int result = (int)CALL(m, "ioctl", ioctl(fd, TIOCSCTTY, 0));
  for (int i = 0; i <= 2 && result >= 0; i++) result = (int)CALL(m, "dup2", dup2(fd, i));
  return result < 0 ? result : 0;
}

int op_connect(struct machine *m, const struct step_connect *s) {
  int type = (s->type ? (int)s->type : SOCK_STREAM) | SOCK_CLOEXEC;
  int fd = (int)CALL(m, "socket", socket(AF_UNIX, type, 0));
  if (fd < 0) return fd;
  m->syscall = "connect";
  int result = unix_connect(fd, s->path);
  if (result < 0)
    close(fd);
  else
    machine_fill(m, s->into, fd);
  return result;
}

ssize_t machine_send_fd(struct machine *m, int socket, int fd, struct iovec *parts, int count) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct msghdr message = {.msg_iov = parts,
                           .msg_iovlen = (size_t)count,
                           .msg_control = control.space,
                           .msg_controllen = sizeof control.space};
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  return CALL(m, "sendmsg", sendmsg(socket, &message, MSG_NOSIGNAL));
}

int op_send_fd(struct machine *m, const struct step_send_fd *s) {
  size_t length = strlen(s->name);
  /* A stream carries a descriptor only with at least one byte. */
  struct iovec name = {(void *)(uintptr_t)s->name, length ? length : 1};
  ssize_t n = machine_send_fd(m, machine_fd(m, s->socket), machine_fd(m, s->fd), &name, 1);
  return n < 0 ? (int)n : 0;
}

#ifndef RUNT_INIT
static int send_rest(struct machine *m, int socket, struct iovec *parts, int count, size_t sent) {
  while (count > 0) {
    if (sent >= parts->iov_len) {
      sent -= parts->iov_len;
      parts++;
      count--;
      continue;
    }
    ssize_t n = CALL(m, "send", send(socket, (char *)parts->iov_base + sent, parts->iov_len - sent, MSG_NOSIGNAL));
    if (n < 0) return (int)n;
    sent += (size_t)n;
  }
  return 0;
}

/* One message if possible: agents read once. The descriptor goes with the first byte (config-linux.md, "The Container
 * Process State"). */
int op_send_state(struct machine *m, const struct step_send_state *s) {
  enum { PARTS = 8 };
  char pid[16] = "";
  struct iovec parts[2 * PARTS];
  int count = 0;
  text_append_number(pid, sizeof pid, (uint64_t)m->child, 10);
  m->syscall = "sendmsg";
  if (s->parts.count == 0 || s->parts.count > PARTS) return -EINVAL;
  for (uint64_t i = 0; i < s->parts.count; i++) {
    char *text = (char *)(uintptr_t)s->parts.items[i];
    if (i > 0) parts[count++] = (struct iovec){pid, strlen(pid)};
    parts[count++] = (struct iovec){text, strlen(text)};
  }
  int socket = machine_fd(m, s->socket);
  ssize_t n = machine_send_fd(m, socket, machine_fd(m, s->fd), parts, count);
  return n < 0 ? (int)n : send_rest(m, socket, parts, count, (size_t)n);
}
#endif
