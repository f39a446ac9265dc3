// The entry point of the static program. With a snapshot (snapshot.c) the engine exists and every module has been
// evaluated, at build time. Without one, the program loads bytecode like any other QuickJS program.
#include "embed.h"
#include "faults/faults.h"
#include "out_of_memory.h"
#include "placement.h"
#include "snapshot.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_INTERNAL = 70 };

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
// Without the arena nothing could be saved.
struct engine *snapshot_engine(void) {
  return NULL;
}

void placement_prefault(void) {
}

static int build_step(int argc, char **argv) {
  (void)argc;
  (void)argv;
  return -1;
}
#endif

/* The caller may have closed standard streams; open(2) would then return their numbers, and the descriptor of a mount
 * or cgroup would become the container's standard output. */
static void fill_standard_streams(void) {
  struct pollfd streams[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
  if (poll(streams, 3, 0) <= 0) return;
  for (int fd = 0; fd < 3; fd++)
    if (streams[fd].revents & POLLNVAL) open("/dev/null", O_RDWR); /* returns the lowest free number, which is fd */
}

enum {
  USUAL_STACK = 2 * 1024 * 1024,
  FIRST_STACK = 128 * 1024,        // what execve(2) maps
  LEAST_STACK = 16 * 1024,         // less is not even enough to print an error
  NATIVE_STACK = 64 * 1024,        // for C functions, beyond the engine's limit
  SMALL_NATIVE_STACK = 24 * 1024,  // what they need at least
};

/* The stack grows by page faults, and one that RLIMIT_AS forbids raises SIGSEGV. So grow it now, up to a quarter of the
 * available address space. */
static size_t grow_stack(size_t wanted) {
  for (size_t size = wanted; size > FIRST_STACK; size /= 2) {
    void *room = mmap(NULL, 4 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) continue;
    munmap(room, 4 * size);
    *((volatile char *)__builtin_frame_address(0) - size) = 0;
    return size;
  }
  return FIRST_STACK;
}

/* The engine assumes a stack of the usual size; if it is smaller, the engine must detect its end before the kernel
 * does. */
static int limit_stack(JSRuntime *runtime) {
  static const char too_small[] = "runt: " OUT_OF_STACK "\n";
  struct rlimit stack, space;
  if (getrlimit(RLIMIT_STACK, &stack) < 0 || getrlimit(RLIMIT_AS, &space) < 0) return 0;
  size_t size = STACK_BYTES;
  if (stack.rlim_cur < USUAL_STACK) { /* a quarter may be arguments and environment */
    size_t engine = stack.rlim_cur / 4 * 3, native = SMALL_NATIVE_STACK;
    size = engine < native ? 0 : engine - native < size ? engine - native : size;
  }
  if (size < LEAST_STACK) {
    ssize_t written = write(STDERR_FILENO, too_small, sizeof too_small - 1);
    return written < 0 ? EXIT_INTERNAL : EXIT_FAILED;
  }
  if (space.rlim_cur != RLIM_INFINITY && size > FIRST_STACK - NATIVE_STACK)
    size = grow_stack(size + NATIVE_STACK) - NATIVE_STACK;
  if (size != STACK_BYTES) JS_SetMaxStackSize(runtime, size);
  return 0;
}

int main(int argc, char **argv) {
  fill_standard_streams();
  signal(SIGCHLD, SIG_DFL); /* if the caller ignores SIGCHLD, the kernel reaps children before we can wait for them */
  struct engine *engine = snapshot_engine();
  if (engine) {
    placement_prefault();
    JS_UpdateStackTop(engine->runtime);
  } else {
    int status = build_step(argc, argv);
    if (status >= 0) return status;
    engine = &fresh;
    status = engine_start(engine);
    if (status) return status;
  }
  int failed = limit_stack(engine->runtime);
  if (failed) _exit(failed);
  FAULT_BEGIN();
  // Skips atexit handlers and does not free anything: the kernel does both faster.
  _exit(engine_run(engine, argc, argv));
}
