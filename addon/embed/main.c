// The entry of the static program. A program with a snapshot (snapshot.c) starts in the middle: the engine is there
// and every module has been evaluated, at build time. One without loads bytecode like any other QuickJS program.
#include "embed.h"
#include "faults/faults.h"
#include "placement.h"
#include "snapshot.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_INTERNAL = 70 };

static struct engine fresh;

#ifndef RUNT_SANITIZE
static int start_all(struct engine *engine) {
  int failed = engine_start(engine);
  return failed ? failed : engine_load_all(engine);
}

// --train BUNDLE LIST, then --make-snapshot LIST TEMPLATE OUT: steps of the build (Makefile).
static int build_step(int argc, char **argv) {
  struct engine engine = {0};
  if (argc == 4 && strcmp(argv[1], "--train") == 0) return placement_train(start_all, argv[2], argv[3]);
  if (argc != 5 || strcmp(argv[1], "--make-snapshot") != 0) return -1;
  int failed = snapshot_begin();
  if (failed || placement_begin(argv[2]) < 0) return EXIT_INTERNAL;
  failed = start_all(&engine);
  placement_end();
  return failed ? failed : snapshot_write(&engine, argv[3], argv[4]);
}
#else
// Without the arena there is nothing that could be saved.
struct engine *snapshot_engine(void) {
  return NULL;
}

static int build_step(int argc, char **argv) {
  (void)argc;
  (void)argv;
  return -1;
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

/* The engine counts on a stack of the usual size; below that it must find the end before the kernel does. */
static void limit_stack(JSRuntime *runtime) {
  enum { USUAL = 2 * 1024 * 1024 };
  struct rlimit stack;
  if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur < USUAL) JS_SetMaxStackSize(runtime, stack.rlim_cur / 2);
}

int main(int argc, char **argv) {
  fill_standard_streams();
  signal(SIGCHLD, SIG_DFL); /* where a caller ignored it, children vanish before they can be waited for */
  struct engine *engine = snapshot_engine();
  if (engine) {
    JS_UpdateStackTop(engine->runtime);
  } else {
    int status = build_step(argc, argv);
    if (status >= 0) return status;
    engine = &fresh;
    int failed = engine_start(engine);
    if (failed) return failed;
  }
  limit_stack(engine->runtime);
  FAULT_BEGIN();
  // Without atexit handlers and without freeing anything: the kernel does both faster.
  _exit(engine_run(engine, argc, argv));
}
