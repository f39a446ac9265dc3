/* The signals that a foreground run forwards to the container, as a descriptor for poll(2). */
#ifndef RUNT_SIGNALS_H
#define RUNT_SIGNALS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Blocks the signals from here on. */
int signals_hold(void);
/* Blocks the signals and opens a descriptor that becomes readable when one arrives. The caller closes it. */
int signals_open(void);
/* Returns the number of the next signal, 0 if there is none. */
int signals_next(int fd);
/* Applies the default action of a blocked signal to this process. */
void signals_stop(int signal);

#ifdef __cplusplus
}
#endif
#endif
