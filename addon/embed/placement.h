// Which blocks of the snapshot lie together. Only the build uses this: see placement.c.
#ifndef RUNT_PLACEMENT_H
#define RUNT_PLACEMENT_H

#include <stddef.h>

struct engine;

// What is being done with allocations; NULL in the program that is shipped.
extern struct placement *placement;

void *placement_alloc(size_t size);
void *placement_realloc(void *block, size_t size);
void placement_free(void *block);

// Starts to number the allocations; those that the file at `path` lists are laid side by side. 0 or -1.
int placement_begin(const char *path);
void placement_end(void);

// Finds out, with an engine that `start` has made ready, to which allocations commands write that change nothing, and
// lists them in `path`. `bundle` is a directory to plan for. 0 or an exit status.
int placement_train(int (*start)(struct engine *), char *bundle, const char *path);

#endif
