// The memory of the whole process: engine heap, Node-API handles, C++ objects and libc's malloc.
#ifndef RUNT_ARENA_H
#define RUNT_ARENA_H

#include <stddef.h>

// Places a variable beside the arena, so that it is part of the snapshot that the build makes (snapshot.c). No other
// variable in .data and .bss may change while modules are evaluated; snapshot.c checks that.
#define IN_SNAPSHOT __attribute__((section(".snapshot")))

void *arena_alloc(size_t size);
void *arena_realloc(void *block, size_t size);
void arena_free(void *block);
size_t arena_usable_size(const void *block);

// Drops the lists of freed blocks. After a snapshot, fresh memory is better than the holes between long-lived blocks:
// each hole would cost a page of its own.
void arena_forget_free(void);

// Allocates without regard to a placement (placement.c), which only the build has.
void *arena_plain_alloc(size_t size);
void *arena_plain_realloc(void *block, size_t size);
void arena_plain_free(void *block);

// ARENA_HEADER is the size of a block's header; arena_round and arena_place make a block in the caller's memory.
enum { ARENA_HEADER = 8 };
size_t arena_round(size_t size);
void *arena_make_block(char *memory, size_t rounded);

// The first block of the arena; the others follow it without gaps.
char *arena_first(void);

// The end of everything allocated from the fixed region: where a snapshot ends.
char *arena_top(void);

// Sets and returns the end of the memory that a program started from the snapshot has without asking the kernel:
// `spare` bytes, and the reserve.
char *arena_end_after(size_t spare);

// Returns 1, once, when the kernel has refused memory and this has not been reported: the command must fail, with the
// memory of the reserve.
int arena_failure_due(void);

#endif
