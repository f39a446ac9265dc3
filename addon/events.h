/* What `events` waits for: a cgroup running out of memory, the end of a process, or time. Functions return what their
 * comment says or -errno. */
#ifndef RUNT_EVENTS_H
#define RUNT_EVENTS_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A descriptor that becomes readable with each event. With `control` (cgroup v1) an eventfd(2), registered there for
 * the file; without, an inotify(7) of changes to the file. */
int events_watch(const char *file, const char *control);

enum events_end { EVENTS_TIMEOUT, EVENTS_HAPPENED, EVENTS_ENDED };

/* What comes first: the watched event, the end of the process, or `milliseconds` (-1: no such end) have passed. `watch`
 * -1: there is none. */
int events_wait(int watch, pid_t pid, const char *start_time, int milliseconds);

#ifdef __cplusplus
}
#endif
#endif
