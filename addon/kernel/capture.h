/* Runs a program of the host, such as ps(1), and captures its output. */
#ifndef RUNT_CAPTURE_H
#define RUNT_CAPTURE_H
#include "files.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Finds `argv[0]` in PATH and runs it with our environment and standard error and without input. Stores its output in
 * `out`, which the caller frees. Returns the exit status, 128 + the number of the signal that ended it, or -errno. */
int program_capture(char *const *argv, struct text *out);

#ifdef __cplusplus
}
#endif
#endif
