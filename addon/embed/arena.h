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

// The first byte behind everything handed out so far from the fixed region: where a snapshot ends.
char *arena_top(void);

#endif
