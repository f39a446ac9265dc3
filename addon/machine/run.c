/* The machine's loop. It skips steps with empty slots and handles tolerated errors and the slot table for all
 * operations. */
#define STEP_TABLES
#include "weaken.h"
#include "machine.h"

#include <fcntl.h>
#include <string.h>

#include "faults/faults.h"

int machine_fd(const struct machine *m, int64_t slot) {
  return slot < 0 ? AT_FDCWD : m->fds[slot];
}

void machine_fill(struct machine *m, int64_t slot, int fd) {
  if (slot < 0) return;
  if (m->fds[slot] >= 0 && !WEAKENED("descriptors")) close(m->fds[slot]);
  m->fds[slot] = fd;
}

/* A step that reads an empty slot is skipped: the step that should have filled it was allowed to fail. Clone is never
 * skipped, because its cgroup is optional. The slots that a step fills are emptied first, so that a skipped or
 * tolerated step never leaves an old descriptor there. */
static int reads_empty_slot(struct machine *m, const struct step *s) {
  int empty = 0;
  const struct step_shape *shape = &step_shapes[s->op];
  const struct step_field *field = &step_fields[shape->first_field];
  for (int i = 0; i < shape->field_count; i++, field++) {
    int64_t slot = ((const int64_t *)s)[field->word];
    if (field->kind == FIELD_SLOT && slot >= 0 && m->fds[slot] < 0) empty = s->op != OP_clone;
    if (field->kind == FIELD_INTO) machine_fill(m, slot, -1);
  }
  return empty;
}

static int is_tolerated(const struct step *s, int error) {
  for (int i = 0; i < PLAN_TOLERATE; i++)
    if (s->tolerate[i] != 0 && s->tolerate[i] == -error) return 1;
  return 0;
}

#define CALL_HANDLER(op)                                                                                               \
  case OP_##op:                                                                                                        \
    return op_##op(m, (const struct step_##op *)s);
#define PAUSE(op) case OP_##op:

static int execute(struct machine *m, const struct step *s) {
  switch (s->op) {
    STEPS_OF_BOTH(CALL_HANDLER)
#ifdef RUNT_INIT
    STEPS_OF_INIT(CALL_HANDLER)
#else
    STEPS_OF_RUNTIME(CALL_HANDLER)
    STEPS_OF_TYPESCRIPT(PAUSE) return MACHINE_PAUSED; /* launch_resume continues after it */
#endif
  default:
    m->syscall = "step";
    return -ENOSYS; /* a step of the other side */
  }
}

int machine_run(struct machine *m) {
  while (m->index < m->step_count) {
    const struct step *s = m->next;
    m->next = (const struct step *)((const uint64_t *)s + s->words);
    int result = FAULT_STEP(m, step_shapes[s->op].op, reads_empty_slot(m, s) ? 0 : execute(m, s));
    if (result < 0 && !is_tolerated(s, result)) return result;
    if (result < 0) m->detail[0] = '\0'; /* forget the detail of a tolerated failure */
    m->index++;
    if (result == MACHINE_PAUSED) return MACHINE_PAUSED;
  }
  return 0;
}
