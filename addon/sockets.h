/* AF_UNIX sockets that carry descriptors (unix(7), cmsg(3)): --pidfd-socket. */
#ifndef RUNT_SOCKETS_H
#define RUNT_SOCKETS_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Connects to the AF_UNIX stream socket `path`, which may be longer than an address can hold, and sends a pidfd of
 * `pid`. */
int socket_send_pidfd(const char *path, pid_t pid);

#ifdef __cplusplus
}
#endif
#endif
