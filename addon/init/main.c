/* Init: the static program that lives in the container's namespaces until the user's program replaces it. Its plan is a
 * segment of its own executable image (see addon/plan_block.h), so it starts working at once. It allocates nothing,
 * reads no environment and decides nothing; what it cannot do it reports, and exits. */
#include <string.h>
#include <sys/stat.h>

#include "machine.h"

/* The placeholder that makes the linker emit a program header for PLAN_ADDRESS; launch.c points it at the real plan. */
__attribute__((section(".plan"), used, retain)) static const struct plan_block plan_placeholder = {.magic = 0};

static int32_t fds[PLAN_SLOTS];

int main(void) {
  const struct plan_block *plan = (const struct plan_block *)PLAN_ADDRESS;
  if (plan->magic != PLAN_MAGIC) return 125;
  memcpy(fds, plan->fds, plan->slot_count * sizeof fds[0]);
  struct machine m = {
      .next = plan->steps,
      .step_count = plan->step_count,
      .slot_count = plan->slot_count,
      .fds = fds,
      .sync = plan->fds[SLOT_SYNC],
      .child_pidfd = -1,
      .umask = umask(0), /* modes in the plan are exact */
  };
  int result = machine_run(&m);
  if (result < 0) machine_report(&m, REPORT_ERROR, -result, 0);
  machine_exit(1);
}
