/* Foreground containers: forwards signals and input to the process, and its output and exit status to the caller. */
#ifndef RUNT_SUPERVISE_H
#define RUNT_SUPERVISE_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The window size of our own terminal; -errno if there is none. */
int terminal_size(int *columns, int *rows);
/* Waits for the child `pid`: forwards signals to it, relays between our terminal (in raw mode) and `master` (-1: none),
 * and reaps other inherited children. Returns the exit status, 128 + the number of the signal that ended it, or -errno.
 * Signals stay blocked, so that the caller can clean up without interruption.
 *
 * Returns SUPERVISE_WATCH_READABLE when `watch` (-1: none) is readable: handle it, then call again with the same child
 * to continue. SIGTSTP restores our terminal and stops us too; SIGCONT resumes both. */
enum { SUPERVISE_WATCH_READABLE = 256 };
int supervise(pid_t pid, int master, int watch);

#ifdef __cplusplus
}
#endif
#endif
