/* Files and directories of the host: what TypeScript reads, writes and removes. Every path here is trusted: nothing
 * inside a container's root file system is touched. Functions return 0 (or what their comment says) or -errno. */
#ifndef RUNT_FILES_H
#define RUNT_FILES_H
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Text that a function allocated, with a NUL behind it; the caller frees `data`. */
struct text {
  char *data;
  size_t length;
};

/* The whole file, or standard input when `path` is "-"; -EFBIG beyond `limit` bytes. */
int file_read(const char *path, size_t limit, struct text *out);
int file_write(const char *path, const char *data, size_t length, mode_t mode);
int file_write_atomic(const char *path, const char *data, size_t length, mode_t mode);
int file_append(const char *path, const char *data, size_t length, mode_t mode);
/* From a descriptor to its end, added to what `out` holds; on failure, too, the caller frees that. */
int fd_read(int fd, size_t limit, struct text *out);
int fd_write(int fd, const char *data, size_t length);

/* Names one after another, each ended by a NUL, without "." and "..". */
int directory_read(const char *path, struct text *names);
/* mkdir -p; 1 if the last directory is new, 0 if it was there. */
int directory_make_all(const char *path, mode_t mode);
/* Removes the files in a directory and in its directories, which hold no further ones, the one named `last` after the
 * others, and the directory. What is already gone is no error. */
int directory_remove(const char *path, const char *last);

/* The target of a symbolic link: 1, or 0 where there is none; out holds PATH_MAX bytes. */
int path_link(const char *path, char *out);
/* realpath(3) in three system calls; out holds PATH_MAX bytes. */
int path_real(const char *path, char *out);
/* 1 when somebody has the FIFO `path` open for reading, 0 when nobody has or there is none. */
int fifo_has_reader(const char *path);
/* A descriptor that holds flock(2) on `path`, or -errno: -EAGAIN where another process holds it. */
int path_lock(const char *path);
/* The same for one byte of a file (fcntl(2) F_OFD_SETLK), which is made where it is missing. */
int byte_lock(const char *path, int64_t offset);
/* systemd-tmpfiles(8) spares what has the sticky bit. */
enum { LOCK_FILE_MODE = 01600 };

/* An extended attribute, of at most `size` bytes: its length, or 0 where there is none. */
ssize_t path_attribute(const char *path, const char *name, char *value, size_t size);

#ifdef __cplusplus
}
#endif
#endif
