/* The signals that a foreground container gets through us, as a descriptor to poll(2). */
#ifndef RUNT_SIGNALS_H
#define RUNT_SIGNALS_H

#ifdef __cplusplus
extern "C" {
#endif

/* From here on signals wait instead of ending us. */
int signals_hold(void);
/* Holds signals, and opens the descriptor that is readable when one has come. The caller closes it. */
int signals_open(void);
/* The next signal's number, 0 when there is none. */
int signals_next(int fd);
/* Does to this process what the signal, which is held, does by default. */
void signals_stop(int signal);

#ifdef __cplusplus
}
#endif
#endif
