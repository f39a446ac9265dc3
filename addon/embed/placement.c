// Decides which blocks of the snapshot share pages. A command writes to a few thousand of its blocks (a reference count
// is enough), spread over most of the snapshot's pages, and each first write to a page costs a fault and a copy: a
// fifth of the time that `runt state` takes. So the build numbers the allocations, tries some commands on the finished
// engine, notes which blocks they write to, and takes the allocations with these numbers from one area of their own.
//
// Writes are seen by protecting the snapshot: the first to each page is caught and its block noted. The next round lays
// the known blocks aside and catches others, until the pages stay clean. Starting an engine is deterministic, so a
// number means the same each time. If it ever did not, the program would only be slower.
#include "placement.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "embed.h"

enum {
  MAX_CALLS = 1 << 20,                // allocations until the engine is ready: some 25,000
  MAX_INDEX = 32 * 1024 * 1024 / 16,  // blocks of the arena, by address
  MAX_BLOCK = 2048,                   // larger ones have pages of their own
  PAGE = 4096,
  ROUNDS = 100,
  EXIT_INTERNAL = 70,
};

struct placement {
  uint32_t calls;
  uint32_t hot_bytes;
  char *hot_next, *hot_end, *hot_start;
  uint8_t is_hot[MAX_CALLS];
  uint32_t call_of[MAX_INDEX];  // by address: the call that made the block
  uint8_t is_block[MAX_INDEX];  // while training: whether a block starts here
  uint32_t found;
};

IN_SNAPSHOT struct placement *placement = NULL;

static int in_hot_area(const char *block) {
  return block >= placement->hot_start && block < placement->hot_end;
}

static int next_is_hot(void) {
  uint32_t call = placement->calls++;
  return call < MAX_CALLS && placement->is_hot[call];
}

static size_t index_of(const char *block) {
  return (size_t)(block - arena_first()) / 16;
}

static void *number(void *block) {
  if (block && index_of(block) < MAX_INDEX) placement->call_of[index_of(block)] = placement->calls - 1;
  return block;
}

static void *take_hot(size_t size) {
  size_t rounded = arena_round(size);
  if (rounded + ARENA_HEADER > (size_t)(placement->hot_end - placement->hot_next)) return NULL;
  void *block = arena_make_block(placement->hot_next, rounded);
  placement->hot_next += rounded + ARENA_HEADER;
  return block;
}

static void *place(int is_hot, size_t size) {
  void *block = is_hot ? take_hot(size) : NULL;
  return number(block ? block : arena_plain_alloc(size));
}

void *placement_alloc(size_t size) {
  return place(next_is_hot(), size);
}

void placement_free(void *block) {
  // A hole in the hot area stays: it is small, and what comes next may not belong there.
  if (!in_hot_area(block)) arena_plain_free(block);
}

void *placement_realloc(void *block, size_t size) {
  int is_hot = next_is_hot();
  if (!block) return place(is_hot, size);
  if (!is_hot && !in_hot_area(block)) return number(arena_plain_realloc(block, size));
  void *moved = size == 0 ? NULL : place(is_hot, size);
  if (moved) {
    size_t have = arena_usable_size(block);
    memcpy(moved, block, have < size ? have : size);
  }
  if (moved || size == 0) placement_free(block);
  return moved;
}

// The list: how many bytes the blocks take, then their numbers.
static void read_list(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  uint32_t calls[1024];
  ssize_t size = read(fd, &placement->hot_bytes, sizeof placement->hot_bytes);
  while (size > 0 && (size = read(fd, calls, sizeof calls)) > 0)
    for (ssize_t i = 0; i < size / (ssize_t)sizeof *calls; i++)
      if (calls[i] < MAX_CALLS) placement->is_hot[calls[i]] = 1;
  close(fd);
}

int placement_begin(const char *path) {
  void *memory = mmap(NULL, sizeof *placement, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  placement = memory;
  read_list(path);
  // One block as far as the arena is concerned; its inside is blocks again.
  char *area = arena_plain_alloc(placement->hot_bytes + PAGE);
  if (!area) return -1;
  placement->hot_start = placement->hot_next = area + ARENA_HEADER;
  placement->hot_end = area + placement->hot_bytes + PAGE;
  return 0;
}

void placement_end(void) {
  placement = NULL;
}

// ---- training ----

static const char *protected_start, *protected_end;

static void note_write(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)context;
  char *at = info->si_addr;
  if (at < protected_start || at >= protected_end) _exit(EXIT_INTERNAL);
  mprotect((char *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
  size_t index = index_of(at + ARENA_HEADER);
  for (int back = 0; back <= MAX_BLOCK / 16 && index > 0; back++, index--) {
    if (!placement->is_block[index]) continue;
    uint32_t call = placement->call_of[index];
    char *block = arena_first() + index * 16;
    if (call >= MAX_CALLS || placement->is_hot[call] || arena_usable_size(block) > MAX_BLOCK) return;
    placement->is_hot[call] = 1;
    placement->hot_bytes += (uint32_t)arena_usable_size(block) + ARENA_HEADER;
    placement->found++;
    return;
  }
}

static void try_command(struct engine *engine, char **argv) {
  pid_t child = fork();
  if (child == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    int argc = 0;
    while (argv[argc]) argc++;
    struct sigaction action = {.sa_sigaction = note_write, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    mprotect((void *)(uintptr_t)protected_start, (size_t)(protected_end - protected_start), PROT_READ);
    engine_run(engine, argc, argv);
    _exit(0);
  }
  if (child > 0) waitpid(child, NULL, 0);
}

static void try_commands(struct engine *engine, char *bundle) {
  char *root = "/nonexistent/runt";
  char *commands[][6] = {
      {"runt", "--version"},
      {"runt", "--root", root, "state", "none"},
      {"runt", "--root", root, "kill", "none"},
      {"runt", "--root", root, "start", "none"},
      {"runt", "--root", root, "delete", "none"},
      {"runt", "validate", bundle},
      {"runt", "--root", root, "plan", bundle},
  };
  size_t size;
  for (char *block = arena_first(); block < arena_top(); block += size + ARENA_HEADER) {
    size = arena_usable_size(block);
    placement->is_block[index_of(block)] = 1;
  }
  // The pages behind the hot area up to the last whole one.
  protected_start = (char *)(((uintptr_t)placement->hot_end + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
  protected_end = (char *)((uintptr_t)arena_top() & ~(uintptr_t)(PAGE - 1));
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) try_command(engine, commands[i]);
}

static int write_list(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  int failed = write(fd, &placement->hot_bytes, sizeof placement->hot_bytes) < 0;
  for (uint32_t call = 0; call < MAX_CALLS; call++)
    if (placement->is_hot[call]) failed |= write(fd, &call, sizeof call) < 0;
  return close(fd) < 0 || failed ? -1 : 0;
}

// In a process of its own, because an engine can be started only once. 0 when nothing new was found, 1 when something
// was.
static int train_once(int (*start)(struct engine *), char *bundle, const char *path) {
  struct engine engine = {0};
  if (placement_begin(path) < 0 || start(&engine) != 0) return EXIT_INTERNAL;
  arena_forget_free();
  try_commands(&engine, bundle);
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
