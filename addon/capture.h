/* Running a program of the host, such as ps(1), to its end. */
#ifndef RUNT_CAPTURE_H
#define RUNT_CAPTURE_H
#include "files.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Finds `argv[0]` in PATH, runs it with our environment, no input and our standard error. Its output goes to `out`,
 * which the caller frees; the result is its exit status, 128 + the signal that ended it, or -errno. */
int program_capture(char *const *argv, struct text *out);

#ifdef __cplusplus
}
#endif
#endif
