/* Files inside a root file system, which an image or a container controls. */
#ifndef RUNT_ROOT_FILE_H
#define RUNT_ROOT_FILE_H
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ROOT_FILE_HEAD = 4096, ROOT_FILE_CAPABILITIES = 64 };

struct root_file {
  struct stat status;
  unsigned long flags; /* ST_*, statvfs(3), of its mount */
  char path[PATH_MAX]; /* below the root, without links */
  uint8_t head[ROOT_FILE_HEAD];
  size_t head_length;
  uint8_t capabilities[ROOT_FILE_CAPABILITIES]; /* security.capability (capabilities(7)) */
  size_t capabilities_length;
};

/* Looks `path` up inside the directory `root`. Opens nothing but a regular file, and reads only its beginning. On a
 * FUSE file system this waits for its server. Returns 0 or -errno. */
int root_file_look(const char *root, const char *path, struct root_file *out);

#ifdef __cplusplus
}
#endif
#endif
