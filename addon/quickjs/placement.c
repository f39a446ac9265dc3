// Groups blocks of the snapshot by use, to save page faults. A command writes to a few thousand of its blocks (a
// reference count is enough) spread over most pages of the snapshot, and each first write to a page costs a fault and a
// copy: a fifth of the time of `runt state`. A read maps the surrounding pages as well, and would so map nearly all of
// them. So the build numbers the allocations, runs some commands on the finished engine, records which blocks they
// write and which they read, and allocates those from two areas of their own.
//
// Accesses are recorded by protecting the snapshot: the first access to each page faults, and its block is recorded.
// The next round moves the recorded blocks away and records others, until no page faults. Starting an engine is
// deterministic, so a number means the same block each time; if it did not, the program would only be slower.
#include "placement.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "arena.h"
#include "embed.h"

#ifndef MADV_POPULATE_WRITE
enum { MADV_POPULATE_WRITE = 23 };
#endif

enum {
  MAX_CALLS = 1 << 20,                // allocations until the engine is ready: some 25,000
  MAX_INDEX = 32 * 1024 * 1024 / 16,  // blocks of the arena, by address
  MAX_BLOCK = 2048,                   // larger ones have pages of their own
  MAX_READ = 16384,                   // but for reading, which maps 16 pages at once
  PAGE = 4096,
  ROUNDS = 40,  // of some 110: the others find single blocks, and each takes 70 ms of every build
  EXIT_INTERNAL = 70,
};

// What commands do with a block. Blocks of a kind lie together; COLD ones stay where they were allocated.
enum kind { COLD, READ, WRITTEN, KINDS };

struct placement {
  uint32_t calls;
  struct {
    uint32_t bytes;
    char *next, *end, *start;
  } area[KINDS];
  uint8_t kind[MAX_CALLS];
  uint32_t call_of[MAX_INDEX];  // by address: the call that made the block
  uint32_t
      size_at[MAX_INDEX];  // while training: of the block that starts here, 0 none; its own header may be protected
  uint32_t found;
};

IN_SNAPSHOT struct placement *placement = NULL;

static int in_area(const char *block) {
  return block >= placement->area[WRITTEN].start && block < placement->area[READ].end;
}

static enum kind next_kind(void) {
  uint32_t call = placement->calls++;
  return call < MAX_CALLS ? placement->kind[call] : COLD;
}

static size_t index_of(const char *block) {
  return (size_t)(block - arena_first()) / 16;
}

static void *number(void *block) {
  if (block && index_of(block) < MAX_INDEX) placement->call_of[index_of(block)] = placement->calls - 1;
  return block;
}

static void *take(enum kind kind, size_t size) {
  size_t rounded = arena_round(size);
  char **next = &placement->area[kind].next;
  if (rounded + ARENA_HEADER > (size_t)(placement->area[kind].end - *next)) return NULL;
  void *block = arena_make_block(*next, rounded);
  *next += rounded + ARENA_HEADER;
  return block;
}

static void *place(enum kind kind, size_t size) {
  void *block = kind == COLD ? NULL : take(kind, size);
  return number(block ? block : arena_plain_alloc(size));
}

void *placement_alloc(size_t size) {
  return place(next_kind(), size);
}

void placement_free(void *block) {
  // A hole in an area is not reused: it is small, and the next allocation may be of another kind.
  if (!in_area(block)) arena_plain_free(block);
}

void *placement_realloc(void *block, size_t size) {
  enum kind kind = next_kind();
  if (!block) return place(kind, size);
  if (kind == COLD && !in_area(block)) return number(arena_plain_realloc(block, size));
  void *moved = size == 0 ? NULL : place(kind, size);
  if (moved) {
    size_t have = arena_usable_size(block);
    memcpy(moved, block, have < size ? have : size);
  }
  if (moved || size == 0) placement_free(block);
  return moved;
}

// The list file: how many bytes the blocks of each kind take, then the number and kind of each block.
static void read_list(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  uint32_t calls[1024], bytes[KINDS] = {0};
  ssize_t size = read(fd, bytes, sizeof bytes);
  for (int kind = READ; kind < KINDS; kind++) placement->area[kind].bytes = bytes[kind];
  while (size > 0 && (size = read(fd, calls, sizeof calls)) > 0)
    for (ssize_t i = 0; i < size / (ssize_t)sizeof *calls; i++)
      placement->kind[calls[i] % MAX_CALLS] = (uint8_t)(calls[i] / MAX_CALLS);
  close(fd);
}

int placement_begin(const char *path) {
  void *memory = mmap(NULL, sizeof *placement, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  placement = memory;
  read_list(path);
  // Each area is one block of the arena, and contains the blocks of its kind.
  for (int kind = WRITTEN; kind >= READ; kind--) {
    char *area = arena_plain_alloc(placement->area[kind].bytes + PAGE);
    if (!area) return -1;
    placement->area[kind].start = placement->area[kind].next = area + ARENA_HEADER;
    placement->area[kind].end = area + placement->area[kind].bytes + PAGE;
  }
  return 0;
}

// The pages of the written area, in the program that the build makes.
static IN_SNAPSHOT struct {
  char *start;
  size_t size;
} written_pages = {0};

void placement_end(void) {
  uintptr_t start = (uintptr_t)placement->area[WRITTEN].start & ~(uintptr_t)(PAGE - 1);
  written_pages.start = (char *)start;
  written_pages.size = ((uintptr_t)placement->area[WRITTEN].next - start + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
  placement = NULL;
}

void placement_prefault(void) {
  // Since Linux 5.14; an older kernel refuses it, and each page faults by itself.
  if (written_pages.size > 0) madvise(written_pages.start, written_pages.size, MADV_POPULATE_WRITE);
}

// ---- training ----

static const char *protected_start, *protected_end;

#if defined(__x86_64__)
// Bit 1 of the error code of a page fault: a write.
static enum kind kind_of(const ucontext_t *context) {
  return context->uc_mcontext.gregs[REG_ERR] & 2 ? WRITTEN : READ;
}
enum { COLD_ACCESS = PROT_NONE };
#else
static enum kind kind_of(const ucontext_t *context) {
  (void)context;
  return WRITTEN;
}
enum { COLD_ACCESS = PROT_READ };
#endif

static void note_block(uint32_t call, size_t size, enum kind kind) {
  uint32_t bytes = (uint32_t)size + ARENA_HEADER;
  if (call >= MAX_CALLS || placement->kind[call] >= kind) return;
  if (size > (kind == READ ? MAX_READ : MAX_BLOCK)) return;
  if (placement->kind[call] != COLD) placement->area[placement->kind[call]].bytes -= bytes;
  placement->kind[call] = (uint8_t)kind;
  placement->area[kind].bytes += bytes;
  placement->found++;
}

static void note_access(int signal, siginfo_t *info, void *context) {
  (void)signal;
  char *at = info->si_addr;
  if (at < protected_start || at >= protected_end) _exit(EXIT_INTERNAL);
  enum kind kind = kind_of(context);
  int access = kind == READ ? PROT_READ : PROT_READ | PROT_WRITE;
  mprotect((char *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1)), PAGE, access);
  size_t index = index_of(at + ARENA_HEADER);
  for (int back = 0; back <= MAX_READ / 16 && index > 0; back++, index--) {
    if (!placement->size_at[index]) continue;
    note_block(placement->call_of[index], placement->size_at[index], kind);
    return;
  }
}

static char *whole_page(char *at) {
  return (char *)(((uintptr_t)at + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
}

// Returns the status of waitpid(2).
static int try_command(struct engine *engine, char **argv) {
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    int argc = 0;
    while (argv[argc]) argc++;
    struct sigaction action = {.sa_sigaction = note_access, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    char *cold = whole_page(placement->area[READ].end);
    mprotect((void *)(uintptr_t)protected_start, (size_t)(cold - protected_start), PROT_READ);
    mprotect(cold, (size_t)(protected_end - cold), COLD_ACCESS);
    _exit(engine_run(engine, argc, argv));
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

// One life of a container, and what is asked of none. Without privileges the commands fail earlier, and fewer blocks
// are found. The last command removes what one before may have left.
static void try_commands(struct engine *engine, char *bundle) {
  char *root = "/nonexistent/runt", id[32];
  snprintf(id, sizeof id, "runt-training-%d", getpid());
  char *commands[][8] = {
      {"runt", "--version"},
      {"runt", "--root", root, "state", "none"},
      {"runt", "validate", bundle},
      {"runt", "--root", root, "plan", bundle},
      {"runt", "--root", bundle, "create", "--bundle", bundle, id},
      {"runt", "--root", bundle, "state", id},
      {"runt", "--root", bundle, "exec", id, "/runt", "--version"},
      {"runt", "--root", bundle, "start", id},
      {"runt", "--root", bundle, "list"},
      {"runt", "--root", bundle, "kill", id, "KILL"},
      {"runt", "--root", bundle, "delete", "--force", id},
      {"runt", "--root", bundle, "run", "--bundle", bundle, id},
      {"runt", "--root", bundle, "delete", "--force", id},
  };
  size_t size;
  for (char *block = arena_first(); block < arena_top(); block += size + ARENA_HEADER) {
    size = arena_usable_size(block);
    placement->size_at[index_of(block)] = (uint32_t)size;
  }
  // The pages after the written area, up to the last whole page.
  protected_start = whole_page(placement->area[WRITTEN].end);
  protected_end = (char *)((uintptr_t)arena_top() & ~(uintptr_t)(PAGE - 1));
  int status = 0;
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) status = try_command(engine, commands[i]);
  if (status != 0) dprintf(STDERR_FILENO, "training: the container %s may be left\n", id);
}

static int write_list(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  uint32_t bytes[KINDS] = {0, placement->area[READ].bytes, placement->area[WRITTEN].bytes};
  int failed = write(fd, bytes, sizeof bytes) < 0;
  for (uint32_t call = 0; call < MAX_CALLS; call++) {
    uint32_t entry = call + placement->kind[call] * MAX_CALLS;
    if (placement->kind[call] != COLD) failed |= write(fd, &entry, sizeof entry) < 0;
  }
  return close(fd) < 0 || failed ? -1 : 0;
}

// Trains in a child process, because an engine can be started only once. Returns 0 if no new block was found, 1 if some
// were.
static int train_once(int (*start)(struct engine *), char *bundle, const char *path) {
  struct engine engine = {0};
  if (placement_begin(path) < 0 || start(&engine) != 0) return EXIT_INTERNAL;
  arena_forget_free();
  // An interrupted build leaves no container: the signal comes after the round.
  sigset_t interrupts;
  sigemptyset(&interrupts);
  sigaddset(&interrupts, SIGINT);
  sigaddset(&interrupts, SIGTERM);
  sigaddset(&interrupts, SIGHUP);
  sigprocmask(SIG_BLOCK, &interrupts, NULL);
  try_commands(&engine, bundle);
  sigprocmask(SIG_UNBLOCK, &interrupts, NULL);
  return write_list(path) < 0 ? EXIT_INTERNAL : placement->found > 0;
}

int placement_train(int (*start)(struct engine *), char *bundle, const char *path) {
  unlink(path);
  for (int round = 0; round < ROUNDS; round++) {
    pid_t child = fork();
    if (child == 0) _exit(train_once(start, bundle, path));
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > 1) {
      dprintf(STDERR_FILENO, "training: failed for %s\n", bundle);
      return EXIT_INTERNAL;
    }
    if (WEXITSTATUS(status) == 0) break;
  }
  return 0;
}
