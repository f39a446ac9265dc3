/* Questions of a seccomp filter (seccomp_unotify(2)): calls that wait until they are answered. Functions return what
 * their comment says or -errno. */
#ifndef RUNT_NOTIFY_H
#define RUNT_NOTIFY_H
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes the next question, as hexadecimal numbers: id, pid, number, architecture, six arguments. 0: there is none. */
int notify_receive(int listener, char *text, size_t size);
enum notify_answer_kind { NOTIFY_CONTINUE, NOTIFY_ERROR, NOTIFY_KILL };
/* Answers it: the call is made, fails with `error`, or its process is killed. Who has gone needs no answer. */
int notify_answer(int listener, const char *question, enum notify_answer_kind kind, int error);

#ifdef __cplusplus
}
#endif
#endif
