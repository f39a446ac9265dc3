/* Foreground containers: signals go in, output comes out, the exit status is the answer. */
#ifndef RUNT_SUPERVISE_H
#define RUNT_SUPERVISE_H
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The window size of our own terminal; -errno where there is none. */
int terminal_size(int *columns, int *rows);
/* Waits for the child `pid`: forwards signals to it, relays between our terminal (set raw meanwhile) and `master` (-1:
 * none), reaps whatever else is inherited. The exit status, 128 + the signal that ended it, or -errno. Signals stay
 * blocked: who calls this cleans up next and must not be interrupted.
 *
 * SUPERVISE_ASKED as soon as `watch` (-1: none) can be read: see to it, then call again with the same child, which goes
 * on where it was. SIGTSTP stops us too, with our terminal as it was; SIGCONT brings both back. */
enum { SUPERVISE_ASKED = 256 };
int supervise(pid_t pid, int master, int watch);

#ifdef __cplusplus
}
#endif
#endif
