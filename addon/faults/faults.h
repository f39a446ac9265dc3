/* Faults to order, in a test build only (make FAULTS=1): one step or one call of libc is where the process is killed,
 * or fails with an errno. In every other build these macros are nothing.
 *
 * RUNT_FAULT   kill@LIST:N        the process ends before number N of the list, with no chance to clean up
 *              after@LIST:N       the same after step N
 *              errno@LIST:N=E     N does not run and fails with errno E (a number); close(2) does run, as in Linux
 *              log:PATH           no fault: each number is appended to the file, "LIST N NAME"
 * LIST         runtime, container: the steps of the plan, in the order of the lists
 *              call, init: the calls of libc by the runtime, and by init
 * Each list counts from 0. */
#ifndef RUNT_FAULTS_H
#define RUNT_FAULTS_H

#ifdef RUNT_FAULTS
#include "plan_block.h"

enum { FAULT_LOG_FD = 1000 };

/* Read RUNT_FAULT. Until then nothing is counted: the build runs the program too. */
void fault_begin(void);
/* No more faults in this process. */
void fault_end(void);
/* Write the steps of both lists to the log. */
void fault_list(const struct plan_block *runtime, const struct plan_block *container);
/* Init's environment, which is empty otherwise. */
char *const *fault_environment(void);
/* The step is about to run: 0, or what it comes to instead. */
int fault_before_step(const char *op);
/* It has run, with that result. */
int fault_after_step(int result);
/* A call that the linker does not see is about to be made: true if it must fail, with errno. */
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
