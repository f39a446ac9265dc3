/* AF_UNIX sockets that carry descriptors (unix(7), cmsg(3)), for --pidfd-socket and CRIU, and the datagrams of
 * sd_notify(3). */
#ifndef RUNT_SOCKETS_H
#define RUNT_SOCKETS_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Connects to the AF_UNIX stream socket `path` and sends a pidfd of `pid`. */
int socket_send_pidfd(const char *path, pid_t pid);
/* Sends any descriptor in the same way, with `name` as the data. */
int socket_send_descriptor(const char *path, int descriptor, const char *name);

/* Sends a packet and waits for the next one; `*fd` is the descriptor that came with it, or -1. Returns the size of the
 * packet, 0 if the peer has closed the socket, or -errno (EMSGSIZE: larger than `size`). */
ssize_t socket_exchange(int socket, const void *message, size_t length, void *answer, size_t size, int *fd);

/* Binds a datagram socket at `path` that every user may write to. Returns a descriptor or -errno. */
int sd_notify_bind(const char *path);
/* Waits for a datagram. Returns its length; -ESRCH if the process has ended and there is none. */
ssize_t sd_notify_receive(int fd, pid_t pid, const char *start_time, char *text, size_t size);
/* Sends `text` to the service manager at `address` (a path, or an abstract name after "@"). With `barrier` 1, waits up
 * to 30 s until it has been read. */
int sd_notify_send(const char *address, const char *text, int barrier);

#ifdef __cplusplus
}
#endif
#endif
