/* Waits for the events of `runt events`: an out-of-memory event of a cgroup, the end of a process, or a timeout.
 * Functions return what their comment says or -errno. */
#ifndef RUNT_EVENTS_H
#define RUNT_EVENTS_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns a descriptor that becomes readable with each event: with `control` (cgroup v1) an eventfd(2) registered there
 * for the file, else an inotify(7) instance that watches the file for changes. */
int events_watch(const char *file, const char *control);

enum events_end { EVENTS_TIMEOUT, EVENTS_HAPPENED, EVENTS_ENDED };

/* Waits for the first of: the watched event (`watch` -1: none), the end of the process, and a timeout in `milliseconds`
 * (-1: none). */
int events_wait(int watch, pid_t pid, const char *start_time, int milliseconds);

#ifdef __cplusplus
}
#endif
#endif
