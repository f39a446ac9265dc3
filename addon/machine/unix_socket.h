/* connect(2) and bind(2) to AF_UNIX addresses: a path of any length, or an abstract name after "@". Return 0 or
 * -errno. */
#ifndef RUNT_UNIX_SOCKET_H
#define RUNT_UNIX_SOCKET_H

int unix_connect(int fd, const char *path);

/* The last component of a long path may have 80 bytes. */
int unix_bind(int fd, const char *path);

#endif
