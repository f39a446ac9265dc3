// The entry of the static program. A program with a snapshot (snapshot.c) starts in the middle: the engine is there
// and every module has been evaluated, at build time. One without loads bytecode like any other QuickJS program.
#include "embed.h"
#include "snapshot.h"

#include <fcntl.h>
#include <poll.h>
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

/* A caller may have closed standard streams; the next open(2) would take their numbers, and a mount's or a cgroup's
 * descriptor would become the container's standard output. */
static void fill_standard_streams(void) {
  struct pollfd streams[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
  if (poll(streams, 3, 0) <= 0) return;
  for (int fd = 0; fd < 3; fd++)
    if (streams[fd].revents & POLLNVAL) open("/dev/null", O_RDWR); /* takes the lowest number, which is fd */
}

int main(int argc, char **argv) {
  fill_standard_streams();
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
