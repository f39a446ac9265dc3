// The entry of the static program. A program with a snapshot (snapshot.c) starts in the middle: the engine is there
// and every module has been evaluated, at build time. One without loads bytecode like any other QuickJS program.
#include "embed.h"
#include "snapshot.h"

#include <string.h>
#include <unistd.h>

static struct engine fresh;

#ifndef RUNT_SANITIZE
static int make_snapshot(const char *template, const char *path) {
  struct engine engine = {0};
  int failed = snapshot_begin();
  if (!failed) failed = engine_start(&engine);
  if (!failed) failed = engine_load_all(&engine);
  return failed ? failed : snapshot_write(&engine, template, path);
}
#else
// Without the arena there is nothing that could be saved.
struct engine *snapshot_engine(void) {
  return NULL;
}

static int make_snapshot(const char *template, const char *path) {
  (void)template;
  (void)path;
  return 1;
}
#endif

int main(int argc, char **argv) {
  struct engine *engine = snapshot_engine();
  if (engine) {
    JS_UpdateStackTop(engine->runtime);
  } else {
    if (argc == 4 && strcmp(argv[1], "--make-snapshot") == 0) return make_snapshot(argv[2], argv[3]);
    engine = &fresh;
    int failed = engine_start(engine);
    if (failed) return failed;
  }
  // Without atexit handlers and without freeing anything: the kernel does both faster.
  _exit(engine_run(engine, argc, argv));
}
