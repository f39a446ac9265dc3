/* An AF_UNIX stream socket with timeouts, so that an unresponsive peer cannot block us. For D-Bus with systemd; the
 * protocol itself is in TypeScript. */
#ifndef RUNT_STREAM_H
#define RUNT_STREAM_H
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Connects to `path`. Returns a descriptor or -errno: ETIMEDOUT if the peer does not accept within `milliseconds`. */
int stream_open(const char *path, int milliseconds);

/* Sends `count` bytes, then waits for at least one byte and receives up to `size`. Returns the number received or
 * -errno: ETIMEDOUT after `milliseconds`; ECONNRESET if the peer has closed the socket. */
ssize_t stream_exchange(int fd, const void *data, size_t count, void *answer, size_t size, int milliseconds);

#ifdef __cplusplus
}
#endif
#endif
