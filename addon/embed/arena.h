// The memory of the whole process: engine heap, Node-API handles, C++ objects and libc's malloc.
#ifndef RUNT_ARENA_H
#define RUNT_ARENA_H

#include <stddef.h>

// A variable that must survive from the build-time snapshot to the running program (snapshot.c) lives beside the
// arena. Everything else in .data and .bss must not change while modules are evaluated; snapshot.c checks that.
#define IN_SNAPSHOT __attribute__((section(".snapshot")))

void *arena_alloc(size_t size);
void *arena_realloc(void *block, size_t size);
void arena_free(void *block);
size_t arena_usable_size(const void *block);

// Forgets what has been freed. After a snapshot the holes between long-lived blocks are worse than fresh memory: each
// would cost a page of its own.
void arena_forget_free(void);

// The same without regard to a placement (placement.c), which only the build has.
void *arena_plain_alloc(size_t size);
void *arena_plain_realloc(void *block, size_t size);
void arena_plain_free(void *block);

// The size of a block for a request of `size`, without its header; and a block in memory of the caller's.
enum { ARENA_HEADER = 8 };
size_t arena_round(size_t size);
void *arena_make_block(char *memory, size_t rounded);

// The first block of the arena; the others follow, each behind the one before it.
char *arena_first(void);

// The first byte behind everything handed out so far from the fixed region: where a snapshot ends.
char *arena_top(void);

// Sets the end of the memory that a program started from the snapshot has without asking for more: `spare` bytes, and
// the reserve. Returns it.
char *arena_end_after(size_t spare);

// 1, once, when the kernel has refused to give more memory and nobody has been told: what is left is the reserve, for a
// command to fail with.
int arena_failure_due(void);

#endif
