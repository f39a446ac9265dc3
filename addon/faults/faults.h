/* Fault injection, in a test build only (make FAULTS=1): at one step or libc call the process is killed, or the call
 * fails with an errno. In every other build these macros are empty.
 *
 * RUNT_FAULT   kill@LIST:N        the process is killed before number N of the list
 *              after@LIST:N       the same after step N
 *              errno@LIST:N=E     N fails with errno E (a number) and is not executed, except for close(2)
 *              log:PATH           no fault: each number is appended to the file, "LIST N NAME"
 * LIST         runtime, container: the steps of the plan, in the order of the lists
 *              call, init: the calls of libc by the runtime, and by init
 * Each list counts from 0. */
#ifndef RUNT_FAULTS_H
#define RUNT_FAULTS_H

#ifdef RUNT_FAULTS
#include "plan_block.h"

enum { FAULT_LOG_FD = 1000 };

/* Reads RUNT_FAULT and starts counting. Not before, because the build also runs the program. */
void fault_begin(void);
/* Writes the steps of both lists to the log. */
void fault_list(const struct plan_block *runtime, const struct plan_block *container);
/* Init's environment, which is empty in other builds. */
char *const *fault_environment(void);
/* Called before a step: returns 0, or the result to use instead. */
int fault_before_step(const char *op);
/* Called after a step, with its result. Returns the result to use. */
int fault_after_step(int result);
/* Called before a system call that the linker cannot wrap: true if it must fail, with errno set. */
int fault_call(const char *name);

#define FAULT_BEGIN() fault_begin()
#define FAULT_LIST(runtime, container) fault_list(runtime, container)
#define FAULT_ENVIRONMENT(otherwise) fault_environment()
#define FAULT_CALL(name) fault_call(name)
#define FAULT_STEP(m, op, action)                                                                                      \
  ({                                                                                                                   \
    int fault_ = fault_before_step(op);                                                                                \
    if (fault_) (m)->syscall = (op);                                                                                   \
    fault_ ? fault_ : fault_after_step(action);                                                                        \
  })
#else
#define FAULT_BEGIN()
#define FAULT_LIST(runtime, container)
#define FAULT_ENVIRONMENT(otherwise) (otherwise)
#define FAULT_CALL(name) 0
#define FAULT_STEP(m, op, action) (action)
#endif

#endif
