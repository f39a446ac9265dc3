/* Init: the static program that runs in the container's namespaces until the user's program replaces it. Its plan is a
 * segment of its own executable image (addon/machine/plan_block.h), so nothing is parsed. Init allocates no memory,
 * except for an unusually long slot table, does not read the environment, and makes no decisions; it reports a failure
 * and exits. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "faults/faults.h"
#include "machine.h"

/* A placeholder that makes the linker emit a program header for PLAN_ADDRESS; init_process.c points it at the real
 * plan. */
__attribute__((section(".plan"), used, retain)) static const struct plan_block plan_placeholder = {.magic = 0};

static int32_t few_fds[PLAN_FEW_SLOTS];

/* Returns a copy of the slot table; the plan itself is read-only. */
static int32_t *slot_table(const struct plan_block *plan) {
  size_t size = plan->slot_count * sizeof plan->fds[0];
  void *table = few_fds;
  if (size > sizeof few_fds) table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return table == MAP_FAILED ? NULL : memcpy(table, plan->fds, size);
}

int main(void) {
  const struct plan_block *plan = (const struct plan_block *)PLAN_ADDRESS;
  if (plan->magic != PLAN_MAGIC) return 125;
  FAULT_BEGIN();
  int32_t *fds = slot_table(plan);
  struct machine m = {
      .next = plan->steps,
      .step_count = plan->step_count,
      .slot_count = plan->slot_count,
      .fds = fds,
      .sync = plan->fds[SLOT_SYNC],
      .child_pidfd = -1,
      .lent = -1,
      .nofile = plan->nofile,
      .umask = umask(0), /* modes in the plan are exact */
  };
  int result = fds ? machine_run(&m) : -ENOMEM;
  if (result < 0) machine_report(&m, REPORT_ERROR, -result, 0);
  machine_exit(1);
}
