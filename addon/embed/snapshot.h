// The saved state of an engine whose modules have all been evaluated.
#ifndef RUNT_SNAPSHOT_H
#define RUNT_SNAPSHOT_H

struct engine;

// The engine of the snapshot this program was built with; NULL if it was built without.
struct engine *snapshot_engine(void);

// Remembers all variables outside the snapshot; to be called before the engine starts.
int snapshot_begin(void);

// Writes a copy of `template`, which is this program's file or that file stripped, that will start with `engine`.
// 0 or an exit status.
int snapshot_write(const struct engine *engine, const char *template, const char *path);

#endif
