// Groups blocks of the snapshot. Only the build uses this: see placement.c.
#ifndef RUNT_PLACEMENT_H
#define RUNT_PLACEMENT_H

#include <stddef.h>

struct engine;

// The current placement; NULL in the released program.
extern struct placement *placement;

void *placement_alloc(size_t size);
void *placement_realloc(void *block, size_t size);
void placement_free(void *block);

// Starts to number allocations; those listed in the file at `path` are placed side by side. Returns 0 or -1.
int placement_begin(const char *path);
void placement_end(void);

// In the program that starts from the snapshot: copies the pages that most commands write to in one system call, which
// takes half the time of a fault for each.
void placement_prefault(void);

// Finds the allocations that commands access, with an engine that `start` has prepared, and writes the list to `path`.
// As root they include the life of a container from `bundle`, where its state is kept; the last one removes what is
// left. Returns 0 or an exit status.
int placement_train(int (*start)(struct engine *), char *bundle, const char *path);

#endif
