/* Counts steps and calls and injects the fault: see faults.h. */
#define STEP_TABLES
#include "faults.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "real.h"

enum kind { NOTHING, KILL, AFTER, FAIL, LOG };

#ifdef RUNT_INIT
static const char *const STEPS = "container", *const CALLS = "init";
#else
static const char *const STEPS = "runtime", *const CALLS = "call";
#endif

static struct {
  enum kind kind;
  char list[16];
  int number, error;
  int steps, calls; /* counted so far */
  int dying;
} fault;

static int open_log(const char *path) {
#ifdef RUNT_INIT
  (void)path; /* the log descriptor is inherited: the path is in another mount namespace */
  return (int)REAL(fcntl, FAULT_LOG_FD, F_SETFD, FD_CLOEXEC);
#else
  int fd = (int)REAL(open, (long)path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int high = (int)REAL(fcntl, fd, F_DUPFD_CLOEXEC, FAULT_LOG_FD);
  REAL(close, fd);
  return high == FAULT_LOG_FD ? 0 : -1;
#endif
}

void fault_begin(void) {
  const char *text = getenv("RUNT_FAULT");
  if (!text) return;
  if (strncmp(text, "log:", 4) == 0) {
    if (open_log(text + 4) >= 0) fault.kind = LOG;
    return;
  }
  char kind[8] = "";
  if (sscanf(text, "%7[a-z]@%15[a-z]:%d=%d", kind, fault.list, &fault.number, &fault.error) < 3) return;
  fault.kind = strcmp(kind, "kill") == 0 ? KILL : strcmp(kind, "after") == 0 ? AFTER : FAIL;
}

char *const *fault_environment(void) {
  static char variable[256], *environment[2];
  const char *text = getenv("RUNT_FAULT");
  if (text && snprintf(variable, sizeof variable, "RUNT_FAULT=%s", text) > 0) environment[0] = variable;
  if (fault.kind == LOG) REAL(fcntl, FAULT_LOG_FD, F_SETFD, 0);
  return environment;
}

static void note(const char *list, int number, const char *name) {
  char line[96];
  int length = snprintf(line, sizeof line, "%s %d %s\n", list, number, name);
  REAL(write, FAULT_LOG_FD, (long)line, length);
}

/* Pid 1 of a pid namespace cannot kill itself, so it exits, which leaves the same state. */
static void die(void) {
  fault.dying = 1;
  kill(getpid(), SIGKILL);
  _exit(137);
}

/* Returns 0, or the errno with which this number of the list fails. */
static int strike(const char *list, int number) {
  if (fault.number != number || strcmp(fault.list, list) != 0) return 0;
  if (fault.kind == KILL) die();
  return fault.kind == FAIL ? fault.error : 0;
}

static void list_steps(const char *list, const struct plan_block *plan, const struct step *s, int first) {
  for (uint32_t i = 0; i < plan->step_count; i++, s = (const struct step *)((const uint64_t *)s + s->words)) {
    char name[64];
    const uint8_t *t = s->tolerate;
    snprintf(name, sizeof name, "%s %d,%d,%d,%d", step_shapes[s->op].op, t[0], t[1], t[2], t[3]);
    note(list, first + (int)i, name);
  }
}

void fault_list(const struct plan_block *runtime, const struct plan_block *container) {
  if (fault.kind != LOG) return;
  list_steps("runtime", runtime, runtime->steps, fault.steps);
  /* The pointers are those of init's address space. */
  list_steps("container", container,
             (const struct step *)((uintptr_t)container + ((uintptr_t)container->steps - PLAN_ADDRESS)), 0);
}

int fault_before_step(const char *op) {
  (void)op;
  if (fault.kind == NOTHING) return 0;
  return -strike(STEPS, fault.steps++);
}

int fault_after_step(int result) {
  if (fault.kind == AFTER && fault.number == fault.steps - 1 && strcmp(fault.list, STEPS) == 0) die();
  return result;
}

int fault_call(const char *name) {
  if (fault.kind == NOTHING || fault.dying) return 0;
  int number = fault.calls++;
  if (fault.kind == LOG) note(CALLS, number, name);
  int error = strike(CALLS, number);
  if (error) errno = error;
  return error != 0;
}
