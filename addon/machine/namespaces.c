/* Namespaces and their attributes: host and domain name, loopback device, session keyring. */
#include "machine.h"

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "kernel.h"

/* keyctl(2): permissions of a new session keyring; its user may search it, as in runc. */
enum { SESSION_KEYRING_PERMISSIONS = 0x3f1b0000 };

int op_setns(struct machine *m, const struct step_setns *s) {
  int result = (int)CALL(m, "setns", setns(machine_fd(m, s->fd), (int)s->nstype));
  if (result == 0 && s->once) machine_fill(m, s->fd, -1);
  return result;
}

int op_unshare(struct machine *m, const struct step_unshare *s) {
  return (int)CALL(m, "unshare", unshare((int)s->flags));
}

int op_sethostname(struct machine *m, const struct step_sethostname *s) {
  return (int)CALL(m, "sethostname", sethostname(s->name, strlen(s->name)));
}

int op_setdomainname(struct machine *m, const struct step_setdomainname *s) {
  return (int)CALL(m, "setdomainname", setdomainname(s->name, strlen(s->name)));
}

int op_link_up(struct machine *m, const struct step_link_up *s) {
  struct ifreq request = {0};
  int result = 0;
  m->syscall = "ioctl";
  if (strlen(s->name) >= sizeof request.ifr_name) return -ENAMETOOLONG;
  strcpy(request.ifr_name, s->name);
  /* netdevice(7): any socket will do, and every kernel has AF_UNIX. */
  CLEANUP_FD int fd = (int)CALL(m, "socket", socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd < 0) return fd;
  /* The loopback device of a new namespace has no other flags to keep. */
  if (strcmp(s->name, "lo") != 0) result = (int)CALL(m, "ioctl", ioctl(fd, SIOCGIFFLAGS, &request));
  if (result < 0) return result;
  request.ifr_flags |= IFF_UP;
  return (int)CALL(m, "ioctl", ioctl(fd, SIOCSIFFLAGS, &request));
}

int op_join_session_keyring(struct machine *m, const struct step_join_session_keyring *s) {
  long keyring = CALL(m, "keyctl", syscall(SYS_keyctl, KERNEL_KEYCTL_JOIN_SESSION_KEYRING, s->name));
  if (keyring < 0) return (int)keyring;
  return (int)CALL(m, "keyctl",
                   syscall(SYS_keyctl, KERNEL_KEYCTL_SETPERM, keyring, (unsigned)SESSION_KEYRING_PERMISSIONS));
}
