/* Device filters of cgroup v2 (bpf(2); kernel Documentation/admin-guide/cgroup-v2.rst, Device controller). The program
 * is compiled by src/cgroup/v2/device-program.ts; this file loads and attaches it. The kernel asks every program
 * attached to the cgroup and its ancestors, so systemd's own filter stays in force. */
#include "bpf.h"

#include <string.h>

#include "kernel.h"
#include "text.h"

enum {
  BPF_PROG_LOAD_COMMAND = 5,
  BPF_PROG_ATTACH_COMMAND = 8,
  BPF_PROG_DETACH_COMMAND = 9,
  BPF_PROG_GET_FD_BY_ID_COMMAND = 13,
  BPF_PROG_QUERY_COMMAND = 16,
  CGROUP_DEVICE_PROGRAM = 15,
  CGROUP_DEVICE_ATTACH = 6,
  ALLOW_MULTI = 2,
  MAX_ATTACHED = 64,
};

/* The fields of union bpf_attr in use, padded beyond the size of any kernel so far: Linux 6.17 to 7.1 may write to the
 * end of their own union, whatever size is passed. */
union bpf_argument {
  struct {
    uint32_t type, instruction_count;
    uint64_t instructions, license;
    uint32_t log_level, log_size;
    uint64_t log;
  } load;
  struct {
    uint32_t target, program, type, flags, replaced;
  } attach;
  struct {
    uint32_t target, type, flags, attach_flags;
    uint64_t ids;
    uint32_t count;
  } query;
  uint32_t id;
  uint8_t all[256];
};

static int bpf(struct machine *m, const char *name, int command, union bpf_argument *argument) {
  return (int)CALL(m, name, syscall(SYS_bpf, command, argument, sizeof *argument));
}

/* The verifier log costs time, so it is requested only after a failure. */
static int load(struct machine *m, const struct bytes *program) {
  static char log[4096];
  union bpf_argument argument = {.load = {
                                     .type = CGROUP_DEVICE_PROGRAM,
                                     .instruction_count = (uint32_t)(program->length / KERNEL_BPF_INSN_SIZE),
                                     .instructions = (uint64_t)(uintptr_t)program->data,
                                     .license = (uint64_t)(uintptr_t) "Apache-2.0",
                                 }};
  int fd = bpf(m, "bpf(PROG_LOAD)", BPF_PROG_LOAD_COMMAND, &argument);
  if (fd != -EINVAL && fd != -EACCES) return fd;
  argument.load.log_level = 1;
  argument.load.log_size = sizeof log;
  argument.load.log = (uint64_t)(uintptr_t)log;
  fd = bpf(m, "bpf(PROG_LOAD)", BPF_PROG_LOAD_COMMAND, &argument);
  if (fd < 0) detail_begin(m, log);
  return fd;
}

static int attach(struct machine *m, int cgroup, int program) {
  union bpf_argument argument = {.attach = {
                                     .target = (uint32_t)cgroup,
                                     .program = (uint32_t)program,
                                     .type = CGROUP_DEVICE_ATTACH,
                                     .flags = ALLOW_MULTI,
                                 }};
  return bpf(m, "bpf(PROG_ATTACH)", BPF_PROG_ATTACH_COMMAND, &argument);
}

/* Lists the ids of the programs attached to this cgroup itself. Returns their number or -errno. */
static int query(struct machine *m, int cgroup, uint32_t ids[MAX_ATTACHED]) {
  union bpf_argument argument = {.query = {
                                     .target = (uint32_t)cgroup,
                                     .type = CGROUP_DEVICE_ATTACH,
                                     .ids = (uint64_t)(uintptr_t)ids,
                                     .count = MAX_ATTACHED,
                                 }};
  int result = bpf(m, "bpf(PROG_QUERY)", BPF_PROG_QUERY_COMMAND, &argument);
  return result < 0 ? result : (int)argument.query.count;
}

static int detach(struct machine *m, int cgroup, uint32_t id) {
  union bpf_argument by_id = {.id = id};
  CLEANUP_FD int program = bpf(m, "bpf(PROG_GET_FD_BY_ID)", BPF_PROG_GET_FD_BY_ID_COMMAND, &by_id);
  if (program < 0) return program == -ENOENT ? 0 : program;
  union bpf_argument argument = {.attach = {
                                     .target = (uint32_t)cgroup,
                                     .program = (uint32_t)program,
                                     .type = CGROUP_DEVICE_ATTACH,
                                 }};
  int result = bpf(m, "bpf(PROG_DETACH)", BPF_PROG_DETACH_COMMAND, &argument);
  return result == -ENOENT ? 0 : result;
}

int bpf_attach_device_program(struct machine *m, int cgroup, const struct bytes *program, int replace) {
  uint32_t old[MAX_ATTACHED];
  int count = replace ? query(m, cgroup, old) : 0;
  if (count < 0) return count;
  CLEANUP_FD int fd = load(m, program);
  if (fd < 0) return fd;
  /* Attach before detaching: in between both filters apply, so there is no moment without a filter. */
  int result = attach(m, cgroup, fd);
  for (int i = 0; i < count && result == 0; i++) result = detach(m, cgroup, old[i]);
  return result;
}

int op_bpf_prog_attach(struct machine *m, const struct step_bpf_prog_attach *s) {
  return bpf_attach_device_program(m, machine_fd(m, s->cgroup), &s->program, (int)s->replace);
}
