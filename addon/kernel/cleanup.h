/* Attributes for variables that are freed or closed at the end of their scope, for the C files of the addon. */
#ifndef RUNT_CLEANUP_H
#define RUNT_CLEANUP_H
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(const int *fd) {
  if (*fd >= 0) close(*fd);
}
static inline void cleanup_free(void *pointer) {
  free(*(void **)pointer);
}
static inline void cleanup_closedir(DIR **directory) {
  if (*directory) closedir(*directory);
}

#define AUTO_FD __attribute__((cleanup(cleanup_close)))
#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO_DIR __attribute__((cleanup(cleanup_closedir)))

#endif
