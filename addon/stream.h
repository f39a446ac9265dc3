/* A conversation over an AF_UNIX stream socket in which no side may keep the other waiting: with systemd, over D-Bus.
 * What is said is not known here. */
#ifndef RUNT_STREAM_H
#define RUNT_STREAM_H
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Connects to `path`. The descriptor, or -errno: ETIMEDOUT where nobody takes the connection within `milliseconds`. */
int stream_open(const char *path, int milliseconds);

/* Sends `count` bytes, then waits for at least one and takes what has come, up to `size`: how many, or -errno.
 * ETIMEDOUT: not done within `milliseconds`; ECONNRESET: the other side has closed. */
ssize_t stream_exchange(int fd, const void *data, size_t count, void *answer, size_t size, int milliseconds);

#ifdef __cplusplus
}
#endif
#endif
