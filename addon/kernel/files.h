/* Files and directories of the host that TypeScript reads, writes and removes. Every path here is trusted: none is
 * inside a container's root file system. Functions return 0 (or what their comment says) or -errno. */
#ifndef RUNT_FILES_H
#define RUNT_FILES_H
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An allocated, NUL-terminated text; the caller frees `data`. */
struct text {
  char *data;
  size_t length;
};

/* Reads the whole file, or standard input if `path` is "-"; -EFBIG beyond `limit` bytes. */
int file_read(const char *path, size_t limit, struct text *out);
int file_write(const char *path, const char *data, size_t length, mode_t mode);
int file_write_atomic(const char *path, const char *data, size_t length, mode_t mode);
int file_append(const char *path, const char *data, size_t length, mode_t mode);
/* Reads from a descriptor to its end and appends to `out`. The caller frees `out`, also on failure. */
int fd_read(int fd, size_t limit, struct text *out);
int fd_write(int fd, const char *data, size_t length);

/* Lists the names in a directory, each ended by a NUL, without "." and "..". */
int directory_read(const char *path, struct text *names);
/* mkdir -p; 1 if the last directory is new, 0 if it existed. */
int directory_make_all(const char *path, mode_t mode);
/* Removes a directory that has at most one level of subdirectories; the file `last` is removed after the other files.
 * What does not exist is skipped. */
int directory_remove(const char *path, const char *last);

/* Reads a symbolic link. Returns 1, or 0 if there is none; `out` holds PATH_MAX bytes. */
int path_link(const char *path, char *out);
/* Returns the path of an open file; `out` holds PATH_MAX bytes. */
int fd_path(int fd, char *out);
/* Like realpath(3), in three system calls; `out` holds PATH_MAX bytes. */
int path_real(const char *path, char *out);
/* Returns 1 if a process has the FIFO `path` open for reading, 0 if none has or the FIFO does not exist. */
int fifo_has_reader(const char *path);
/* Returns a descriptor that holds flock(2) on `path`, or -errno: -EAGAIN if another process holds the lock. */
int path_lock(const char *path);
/* Locks one byte of a file (fcntl(2) F_OFD_SETLK), which is created if it does not exist. Returns as path_lock does. */
int byte_lock(const char *path, int64_t offset);
/* systemd-tmpfiles(8) does not clean up files with the sticky bit. */
enum { LOCK_FILE_MODE = 01600 };

/* Reads an extended attribute of at most `size` bytes. Returns its length, or 0 if there is none. */
ssize_t path_attribute(const char *path, const char *name, char *value, size_t size);

#ifdef __cplusplus
}
#endif
#endif
