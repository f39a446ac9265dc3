// The saved state of an engine that has evaluated all its modules.
#ifndef RUNT_SNAPSHOT_H
#define RUNT_SNAPSHOT_H

struct engine;

// Returns the engine of this program's snapshot; NULL if it was built without one.
struct engine *snapshot_engine(void);

// Remembers all variables outside of the snapshot. Call it before the engine starts.
int snapshot_begin(void);

// Writes a copy of `template` (this program's file, or that file stripped) that starts with `engine`. Returns 0 or an
// exit status.
int snapshot_write(const struct engine *engine, const char *template, const char *path);

#endif
