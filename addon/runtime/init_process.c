/* Creates init: see init_process.h. */
#include "init_process.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "faults/faults.h"
#include "spawn.h"
#include "weaken.h"

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

int init_image_create(struct machine *m, const struct plan_block *plan) {
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
int init_image_seal(struct machine *m, int image) {
  return (int)CALL(m, "fchmod", fchmod(image, 0));
}

/* ---- the child ---- */

struct init {
  const struct plan_block *plan; /* its descriptors stay open */
  const struct ints *preserve;   /* the caller's descriptors that the container inherits */
  int join;                      /* the cgroup.procs of a cgroup in which it cannot be born; -1 none */
};

/* Keeps the descriptors of slots open. A slot that init does not inherit would name whatever init opens next. */
static int keep_open(const struct init *i) {
#ifdef RUNT_NODE /* Node sets close-on-exec on every descriptor it was started with, standard streams included */
  for (int fd = 0; fd < 3; fd++) fcntl(fd, F_SETFD, 0);
  for (uint64_t n = 0; n < i->preserve->count; n++) fcntl((int)i->preserve->items[n], F_SETFD, 0);
#endif
  for (uint32_t n = 0; n < i->plan->slot_count; n++)
    if (i->plan->fds[n] >= 0 && fcntl(i->plan->fds[n], F_SETFD, 0) < 0) return -1;
  return 0;
}

/* Before anything of the container is joined: nobody there sees a process of it that is in the runtime's cgroup. */
static int join_cgroup(const struct init *i) {
  return i->join < 0 || write(i->join, "0", 1) == 1 ? 0 : -1;
}

static int prepare_child(struct machine *m, const void *context) {
  (void)m;
  return keep_open(context) == 0 && join_cgroup(context) == 0 ? 0 : -1;
}

/* Empty, but init of a build with WEAKEN gets ours, for RUNT_WEAKEN. */
static char *const *init_environment(void) {
  __attribute__((unused)) static char *const none[] = {NULL};
#ifdef RUNT_WEAKEN
  return environ;
#else
  return FAULT_ENVIRONMENT(none);
#endif
}

int spawn_init(struct machine *m, int image, const struct plan_block *plan, uint64_t flags, int cgroup,
               const struct ints *preserve, int is_exec) {
  static char *const args[] = {"runt init", NULL};
  struct init init = {.plan = plan, .preserve = preserve, .join = -1};
  struct spawn s = {
      .image = image,
      .args = args,
      .env = init_environment(),
      .prepare = prepare_child,
      .context = &init,
      .flags = flags,
      .cgroup = cgroup,
  };
  int result = spawn(m, &s);
  if (result == -EAGAIN && cgroup >= 0 && is_exec) {
    CLEANUP_FD int join = (int)CALL(m, "openat", openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (join < 0) return join;
    init.join = join;
    s.cgroup = -1;
    result = spawn(m, &s);
  }
  if (result < 0) return result;
  m->child = s.pid;
  m->child_pidfd = s.pidfd;
  return 0;
}
