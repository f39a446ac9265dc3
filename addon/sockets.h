/* AF_UNIX sockets that carry descriptors: the consoles of foreground containers, and pidfds (unix(7), cmsg(3)). */
#ifndef RUNT_SOCKETS_H
#define RUNT_SOCKETS_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Listens on, or connects to, the AF_UNIX stream socket `path`, which may be longer than an address can hold. A
 * descriptor. */
int socket_listen(const char *path);
int socket_connect(const char *path);
int socket_send_fd(int socket, int fd, const char *name);
int socket_receive_fd(int socket);
/* Connects to `path` and sends a pidfd of `pid`. */
int socket_send_pidfd(const char *path, pid_t pid);

#ifdef __cplusplus
}
#endif
#endif
