/* Creates processes: see spawn.h. A child shares the runtime's memory until execve (CLONE_VM | CLONE_VFORK), so no page
 * table is copied, and the code is safe with Node's threads: the child writes to nothing but its stack. */
#include "spawn.h"

#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "weaken.h"
#include "faults/faults.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif
#define HEADER_LIMIT 1024

extern const unsigned char runt_init_image[], runt_init_image_end[];

/* ---- the image ---- */

/* Points the program header of PLAN_ADDRESS at the plan, which follows the image at `offset`. */
static int place_plan(unsigned char *headers, size_t size, uint64_t offset, uint64_t plan_size) {
  Elf64_Ehdr *elf = (Elf64_Ehdr *)headers;
  if (elf->e_phoff + elf->e_phnum * sizeof(Elf64_Phdr) > size) return -ENOEXEC;
  Elf64_Phdr *segment = (Elf64_Phdr *)(headers + elf->e_phoff);
  for (int i = 0; i < elf->e_phnum; i++, segment++) {
    if (segment->p_type != PT_LOAD || segment->p_vaddr != PLAN_ADDRESS) continue;
    segment->p_offset = offset;
    segment->p_filesz = segment->p_memsz = plan_size;
    segment->p_flags = PF_R;
    return 0;
  }
  return -ENOEXEC;
}

int spawn_image(struct machine *m, const struct plan_block *plan) {
  static const unsigned char padding[65536];
  size_t size = (size_t)(runt_init_image_end - runt_init_image);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t offset = (size + page - 1) & ~(page - 1);
  _Alignas(8) unsigned char headers[HEADER_LIMIT];
  memcpy(headers, runt_init_image, sizeof headers);
  m->syscall = "init image";
  int result = place_plan(headers, sizeof headers, offset, plan->size);
  if (result < 0) return result;
  int fd = (int)CALL(m, "memfd_create", memfd_create("runt-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  if (fd == -EINVAL) /* before Linux 6.3 there is no MFD_EXEC, and every memory file is executable */
    fd = (int)CALL(m, "memfd_create", memfd_create("runt-init", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd < 0) return fd;
  struct iovec parts[] = {
      {headers, sizeof headers},
      {(void *)(uintptr_t)(runt_init_image + sizeof headers), size - sizeof headers},
      {(void *)(uintptr_t)padding, offset - size},
      {(void *)(uintptr_t)plan, plan->size},
  };
  ssize_t n = CALL(m, "writev", writev(fd, parts, 4));
  if (n >= 0 && (size_t)n != offset + plan->size) n = -EFBIG; /* RLIMIT_FSIZE cut it off */
  /* CVE-2019-5736: a container must not be able to write to the image that the next init runs */
  if (n >= 0 && !WEAKENED("seals"))
    n = CALL(m, "fcntl", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
  if (n < 0) close(fd);
  return n < 0 ? (int)n : fd;
}

/* Called once init runs: its image must not be executed again. A script whose interpreter is /proc/self/exe would
 * otherwise become a process of the container with a readable executable that contains the plan. */
int spawn_seal(struct machine *m, int image) {
  return (int)CALL(m, "fchmod", fchmod(image, 0));
}

/* ---- the child ---- */

struct child {
  const struct plan_block *plan; /* init: its descriptors stay open */
  int image;                     /* init: the image; -1: a helper program */
  const struct ints *preserve;   /* init: the caller's descriptors that the container inherits */
  int join;                      /* init: the cgroup.procs of a cgroup in which it cannot be born; -1 none */
  const char *program;
  char *const *argv;
  int error; /* written by the child, which shares this memory, when it cannot execute */
};

/* Keeps the descriptors of slots open. A slot that init does not inherit would name whatever init opens next. */
static int keep_open(const struct child *c) {
#ifdef RUNT_NODE /* Node sets close-on-exec on every descriptor it was started with, standard streams included */
  for (int fd = 0; fd < 3; fd++) fcntl(fd, F_SETFD, 0);
  for (uint64_t i = 0; i < c->preserve->count; i++) fcntl((int)c->preserve->items[i], F_SETFD, 0);
#endif
  for (uint32_t i = 0; i < c->plan->slot_count; i++)
    if (c->plan->fds[i] >= 0 && fcntl(c->plan->fds[i], F_SETFD, 0) < 0) return -1;
  return 0;
}

/* Before anything of the container is joined: nobody there sees a process of it that is in the runtime's cgroup. */
static int join_cgroup(const struct child *c) {
  return c->join < 0 || write(c->join, "0", 1) == 1 ? 0 : -1;
}

__attribute__((noinline, noreturn)) static void run_child(struct child *c) {
  static char *const init_argv[] = {"runt init", NULL};
  __attribute__((unused)) static char *const no_env[] = {NULL};
  if (c->image < 0)
    execvp(c->program, c->argv);
  else if (keep_open(c) == 0 && join_cgroup(c) == 0)
#ifdef RUNT_WEAKEN /* in this build init gets the environment, for RUNT_WEAKEN */
    syscall(SYS_execveat, c->image, "", init_argv, environ, AT_EMPTY_PATH);
#else
    syscall(SYS_execveat, c->image, "", init_argv, FAULT_ENVIRONMENT(no_env), AT_EMPTY_PATH);
#endif
  c->error = errno;
  _exit(127);
}

#if defined(__x86_64__)
/* Inline: the child runs on this stack and would overwrite a return address. */
static inline __attribute__((always_inline)) long clone3_shared(struct clone_args *args, struct child *c) {
  long result;
  args->flags |= CLONE_VM | CLONE_VFORK;
  __asm__ volatile("syscall" : "=a"(result) : "0"(SYS_clone3), "D"(args), "S"(sizeof *args) : "rcx", "r11", "memory");
  if (result == 0) run_child(c);
  if (result < 0) errno = (int)-result;
  return result < 0 ? -1 : result;
}
#else
/* On other architectures the child gets a copy; its failure shows as the end of the sync socket. */
static long clone3_shared(struct clone_args *args, struct child *c) {
  args->flags |= CLONE_VFORK; /* spawn_seal must come after execveat(2) */
  long result = syscall(SYS_clone3, args, sizeof *args);
  if (result == 0) run_child(c);
  return result;
}
#endif

static __attribute__((noinline)) int spawn(struct machine *m, struct child *c, uint64_t flags, int cgroup, int *pidfd) {
  struct clone_args args = {
      /* CLONE_CLEAR_SIGHAND: a handler of the calling program must never run in the child. */
      .flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
      .pidfd = (uint64_t)(uintptr_t)pidfd,
      .exit_signal = SIGCHLD,
      .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
  };
  int pid = (int)CALL(m, "clone3", FAULT_CALL("clone3") ? -1 : clone3_shared(&args, c));
  if (pid < 0) return pid;
  if (c->error) {
    siginfo_t info;
    waitid((idtype_t)P_PIDFD, (id_t)*pidfd, &info, WEXITED);
    close(*pidfd);
    m->syscall = c->image < 0 ? "execve" : "execveat";
    return -c->error;
  }
  return pid;
}

int spawn_init(struct machine *m, int image, const struct plan_block *plan, uint64_t flags, int cgroup,
               const struct ints *preserve, int is_exec) {
  struct child c = {.plan = plan, .image = image, .preserve = preserve, .join = -1};
  int pid = spawn(m, &c, flags, cgroup, &m->child_pidfd);
  if (pid == -EAGAIN && cgroup >= 0 && is_exec) {
    CLEANUP_FD int join = (int)CALL(m, "openat", openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (join < 0) return join;
    c.join = join;
    pid = spawn(m, &c, flags, -1, &m->child_pidfd);
  }
  if (pid < 0) {
    m->child_pidfd = -1;
    return pid;
  }
  m->child = pid;
  return 0;
}

int spawn_helper(struct machine *m, const char *program, char *const *argv) {
  struct child c = {.image = -1, .join = -1, .program = program, .argv = argv};
  int pidfd = -1;
  siginfo_t info;
  int pid = spawn(m, &c, 0, -1, &pidfd);
  if (pid < 0) return pid;
  int result = (int)CALL(m, "waitid", waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED));
  close(pidfd);
  if (result < 0) return result;
  if (info.si_code == CLD_EXITED && info.si_status == 0) return 0;
  snprintf(m->detail, sizeof m->detail, "%s ended with status %d", program, info.si_status);
  m->syscall = program;
  return -ECHILD;
}
