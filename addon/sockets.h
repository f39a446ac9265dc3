/* AF_UNIX sockets that carry descriptors (unix(7), cmsg(3)): --pidfd-socket, the conversation with CRIU; and the
 * datagrams of sd_notify(3). A path may be longer than an address can hold. */
#ifndef RUNT_SOCKETS_H
#define RUNT_SOCKETS_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* connect(2) to the AF_UNIX socket `path`, or to an abstract name after "@": 0 or -errno. */
int socket_connect(int fd, const char *path);

/* Connects to the AF_UNIX stream socket `path` and sends a pidfd of `pid`. */
int socket_send_pidfd(const char *path, pid_t pid);
/* The same with any descriptor, and `name` as the data. */
int socket_send_descriptor(const char *path, int descriptor, const char *name);

/* Sends a packet and waits for the next one; `*fd` is a descriptor that came along, or -1. The size of what came, 0
 * when the other side has closed, or -errno (EMSGSIZE: larger than `size`). */
ssize_t socket_exchange(int socket, const void *message, size_t length, void *answer, size_t size, int *fd);

/* A datagram socket at `path` that everybody may write to: a descriptor, or -errno. */
int sd_notify_bind(const char *path);
/* Waits for a datagram: its length; -ESRCH when the process has ended and there is none. */
ssize_t sd_notify_receive(int fd, pid_t pid, const char *start_time, char *text, size_t size);
/* Sends `text` to the service manager at `address` (a path, or an abstract name after "@"); `barrier` 1: and waits, at
 * most 30 s, until it has been read. */
int sd_notify_send(const char *address, const char *text, int barrier);

#ifdef __cplusplus
}
#endif
#endif
