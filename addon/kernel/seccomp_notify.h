/* Seccomp notifications (seccomp_unotify(2)): system calls that wait for a response. Functions return what their
 * comment says or -errno. */
#ifndef RUNT_SECCOMP_NOTIFY_H
#define RUNT_SECCOMP_NOTIFY_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Receives the next notification as hexadecimal numbers: id, pid, nr, arch, six arguments. 0 if there is none. */
int notify_receive(int listener, char *text, size_t size);
enum notify_answer_kind { NOTIFY_CONTINUE, NOTIFY_ERROR, NOTIFY_KILL };
/* Sends the response: continue the call, fail it with `error`, or kill the process. No error if the process has ended.
 */
int notify_answer(int listener, const char *question, enum notify_answer_kind kind, int error);
/* Reads a string of the waiting process, up to its end or `size` bytes, which are not terminated. Returns its length.
 * The process may change it at any time: for messages only. Waits for what the memory is mapped from, such as
 * a FUSE file system or a userfaultfd(2) of the container. */
ssize_t notify_read_string(int listener, const char *question, uint64_t address, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
