#include "unix_socket.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "text.h"

struct address {
  struct sockaddr_un name;
  socklen_t size;
  int through; /* the descriptor through which a long path leads, -1 none */
};

/* Opens the directory of `path` and stores its last component in *last. */
static int open_parent(const char *path, const char **last) {
  char parent[PATH_MAX];
  const char *slash = strrchr(path, '/');
  if (!slash || slash - path >= (long)sizeof parent - 1) return -ENAMETOOLONG;
  memcpy(parent, path, (size_t)(slash - path) + 1);
  parent[slash - path + 1] = '\0';
  *last = slash + 1;
  return (int)machine_result(open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* unix(7): sun_path holds 107 bytes. /proc/self/fd/N leads to the same file as a longer path: the descriptor is that of
 * the socket, or of its directory for bind(2), which creates the socket. */
static int set_long_path(struct address *a, const char *path, int is_new) {
  const char *last = "";
  char *to = a->name.sun_path;
  a->through = is_new ? open_parent(path, &last) : (int)machine_result(open(path, O_PATH | O_CLOEXEC));
  if (a->through < 0) return a->through;
  text_append(to, sizeof a->name.sun_path, "/proc/self/fd/");
  text_append_number(to, sizeof a->name.sun_path, (uint64_t)a->through, 10);
  if (strlen(to) + 1 + strlen(last) >= sizeof a->name.sun_path) return -ENAMETOOLONG;
  if (is_new) text_append(to, sizeof a->name.sun_path, "/");
  text_append(to, sizeof a->name.sun_path, last);
  return 0;
}

static int set_address(struct address *a, const char *path, int is_new) {
  size_t length = strlen(path);
  *a = (struct address){.name = {.sun_family = AF_UNIX}, .size = sizeof a->name, .through = -1};
  if (length >= sizeof a->name.sun_path) return set_long_path(a, path, is_new);
  memcpy(a->name.sun_path, path, length);
  if (path[0] != '@') return 0;
  a->name.sun_path[0] = '\0'; /* abstract: the length is part of the address */
  a->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  return 0;
}

static int call(int fd, const char *path, int (*function)(int, const struct sockaddr *, socklen_t), int is_new) {
  struct address a;
  int result = set_address(&a, path, is_new);
  if (result == 0) result = (int)machine_result(function(fd, (const struct sockaddr *)&a.name, a.size));
  if (a.through >= 0) close(a.through);
  return result;
}

int unix_connect(int fd, const char *path) {
  return call(fd, path, connect, 0);
}

int unix_bind(int fd, const char *path) {
  return call(fd, path, bind, 1);
}
