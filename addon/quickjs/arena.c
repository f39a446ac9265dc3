// The allocator of the whole process: one region at a fixed address (the linker places .snapshot and the .arena behind
// it, see the Makefile), which the build saves after the modules have been evaluated, so that the program starts from
// the saved pages (snapshot.c).
//
// The process lives for milliseconds, so this is a bump allocator: it neither coalesces blocks nor returns memory to
// the kernel. Freed blocks are kept in lists by size, because reference counting frees most of what a request
// allocates, and each page that is reused saves a page fault. `realloc` of the last block grows it in place.
//
// Address space is mapped in place and on demand, because RLIMIT_AS counts it even if no page was touched. The last
// part is a reserve: when the kernel refuses more, a command uses the reserve to fail in an orderly way
// (arena_failure_due).
//
// The arena also replaces libc's malloc: a second heap would cost its own pages and would not be part of the snapshot.
#include "arena.h"
#include "placement.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum {
  ALIGNMENT = 16,
  HEADER = ARENA_HEADER,  // the block's payload size, just before the payload
  CLASSES = 64,           // exact lists: payloads of 24, 40, ... bytes
  LARGE_CLASSES = 32,     // by power of two, searched first-fit
  LARGE_SEARCH = 8,       // entries examined before allocating fresh memory
  PAGE = 4096,
  REGION = 4 * 1024 * 1024,  // enough to make the snapshot
  GROWTH = 1024 * 1024,      // mapped at a time when the region is exhausted
  RESERVE = 512 * 1024,
};

struct free_block {
  struct free_block *next;
};

// The first header is at 8 modulo 16, so that payloads are aligned.
__attribute__((section(".arena,\"aw\",@nobits#"), aligned(4096))) static char region[REGION];

static IN_SNAPSHOT char *next = region + ALIGNMENT;          // where the next payload starts
static IN_SNAPSHOT char *limit = region + REGION - RESERVE;  // where the reserve begins
static int reserve_used, failure_due;
static IN_SNAPSHOT struct free_block *exact[CLASSES] = {0};
static IN_SNAPSHOT struct free_block *large[LARGE_CLASSES] = {0};

static size_t *size_of(const void *block) {
  return (size_t *)((char *)block - HEADER);
}

// Payload sizes are 24, 40, 56, ...: with the header each block is a multiple of 16.
size_t arena_round(size_t size) {
  if (size <= 2 * ALIGNMENT - HEADER) return 2 * ALIGNMENT - HEADER;
  return ((size + HEADER + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1)) - HEADER;
}

static unsigned exact_class(size_t rounded) {
  return (unsigned)(rounded >> 4) - 1;
}

static unsigned large_class(size_t rounded) {
  unsigned log = 63 - (unsigned)__builtin_clzl(rounded);
  return log < LARGE_CLASSES ? log : LARGE_CLASSES - 1;
}

// Maps `length` more bytes directly behind the existing memory, if that address space is free.
static int map_more(size_t length) {
  char *end = limit + RESERVE;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  char *chunk = mmap(end, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, -1, 0);
  if (chunk == MAP_FAILED && errno == EEXIST) {
    length += RESERVE;
    chunk = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
  }
  if (chunk == MAP_FAILED) return -1;
  if (chunk != end) next = chunk + ALIGNMENT;
  limit = chunk + length - RESERVE;
  return 0;
}

// Makes room for a block of `size` bytes and its header.
static int grow(size_t size) {
  size_t needed = (size + 2 * PAGE) & ~(size_t)(PAGE - 1);
  if (!reserve_used) {
    if (map_more(needed > GROWTH ? needed : GROWTH) == 0) return 0;
    if (needed < GROWTH && map_more(needed) == 0) return 0;
  }
  // The caller of a large allocation can handle its failure, and needs the reserve for that.
  failure_due = !reserve_used && size <= RESERVE / 4;
  if (!failure_due) return -1;
  reserve_used = 1;
  limit += RESERVE - ALIGNMENT;
  return 0;
}

int arena_failure_due(void) {
  if (!failure_due) return 0;
  failure_due = 0;
  return 1;
}

void *arena_make_block(char *memory, size_t rounded) {
  *(size_t *)memory = rounded;
  return memory + HEADER;
}

static void *bump(size_t rounded) {
  while (__builtin_expect((ptrdiff_t)rounded > limit - next, 0)) {
    if (grow(rounded) == 0) continue;
    errno = ENOMEM;
    return NULL;
  }
  char *block = next;
  next += rounded + HEADER;
  return arena_make_block(block - HEADER, rounded);
}

// First fit among the first few blocks of the power-of-two list; the rest of a split block goes back to a list.
static void *take_large(size_t rounded) {
  for (unsigned class = large_class(rounded); class < LARGE_CLASSES; class ++) {
    struct free_block **link = &large[class];
    for (int seen = 0; *link && seen < LARGE_SEARCH; seen++, link = &(*link)->next) {
      struct free_block *block = *link;
      size_t have = *size_of(block);
      if (have < rounded) continue;
      *link = block->next;
      if (have - rounded >= 2 * ALIGNMENT) {
        char *rest = (char *)block + rounded + HEADER;
        *size_of(rest) = have - rounded - HEADER;
        *size_of(block) = rounded;
        arena_plain_free(rest);
      }
      return block;
    }
  }
  return NULL;
}

void *arena_plain_alloc(size_t size) {
  if (size > PTRDIFF_MAX - 2 * ALIGNMENT) {
    errno = ENOMEM;
    return NULL;
  }
  size_t rounded = arena_round(size);
  unsigned class = exact_class(rounded);
  if (class < CLASSES) {
    struct free_block *block = exact[class];
    if (block) {
      exact[class] = block->next;
      return block;
    }
  } else {
    void *block = take_large(rounded);
    if (block) return block;
  }
  return bump(rounded);
}

static int is_last(const char *block, size_t have) {
  return block + have + HEADER == next;
}

void arena_plain_free(void *block) {
  if (!block) return;
  size_t size = *size_of(block);
  if (is_last(block, size)) {
    next = block;
    return;
  }
  unsigned class = exact_class(size);
  struct free_block **list = class < CLASSES ? &exact[class] : &large[large_class(size)];
  struct free_block *freed = block;
  freed->next = *list;
  *list = freed;
}

// Whether the last block can grow to `rounded` bytes in place, which avoids most copies of a large text.
static int has_room(const char *block, size_t rounded) {
  if ((ptrdiff_t)rounded <= limit - block) return 1;
  const char *last = next;
  return grow(rounded) == 0 && next == last && (ptrdiff_t)rounded <= limit - block;
}

void *arena_plain_realloc(void *block, size_t size) {
  if (!block) return arena_plain_alloc(size);
  if (size == 0) {
    arena_plain_free(block);
    return NULL;
  }
  if (size > PTRDIFF_MAX - 2 * ALIGNMENT) {
    errno = ENOMEM;
    return NULL;
  }
  size_t have = *size_of(block), rounded = arena_round(size);
  if (is_last(block, have) && has_room(block, rounded)) {
    next = (char *)block + rounded + HEADER;
    *size_of(block) = rounded;
    return block;
  }
  if (rounded <= have) return block;
  void *bigger = arena_plain_alloc(size);
  if (!bigger) return NULL;
  memcpy(bigger, block, have);
  arena_plain_free(block);
  return bigger;
}

void *arena_alloc(size_t size) {
  return __builtin_expect(placement != NULL, 0) ? placement_alloc(size) : arena_plain_alloc(size);
}

void *arena_realloc(void *block, size_t size) {
  if (__builtin_expect(placement != NULL, 0)) return placement_realloc(block, size);
  return arena_plain_realloc(block, size);
}

void arena_free(void *block) {
  if (__builtin_expect(placement != NULL, 0))
    placement_free(block);
  else
    arena_plain_free(block);
}

size_t arena_usable_size(const void *block) {
  return block ? *size_of(block) : 0;
}

void arena_forget_free(void) {
  memset(exact, 0, sizeof exact);
  memset(large, 0, sizeof large);
}

char *arena_first(void) {
  return region + ALIGNMENT;
}

char *arena_top(void) {
  return next;
}

char *arena_end_after(size_t spare) {
  char *end = (char *)(((uintptr_t)next + spare + RESERVE + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
  limit = end - RESERVE;
  return end;
}

// libc's entry points. aligned_alloc and its relatives are not defined: nothing here uses them, and a use would fail to
// link, because libc's version would bring libc's malloc along.
void *malloc(size_t size) {
  return arena_alloc(size);
}

void free(void *block) {
  arena_free(block);
}

void *realloc(void *block, size_t size) {
  return arena_realloc(block, size);
}

void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  void *block = arena_alloc(bytes);
  return block ? memset(block, 0, bytes) : NULL;
}

size_t malloc_usable_size(void *block) {
  return arena_usable_size(block);
}
