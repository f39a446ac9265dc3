/*
 * load.c: the program in the containers whose limits are measured.
 *
 *   load spin WORKERS MILLISECONDS
 *       spins in so many processes, prints the number of rounds of all of them and their CPU time in nanoseconds
 *   load noise WORKERS
 *       spins, forks and allocates as much as the limits allow, until it is killed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORKERS = 256, CHUNK = 4 << 20, CHUNKS = 256, PAGE = 4096 };

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t spin_until(int64_t end) {
  uint64_t rounds = 0;
  for (; now() < end; rounds++)
    for (volatile int i = 0; i < 1000; i++) continue;
  return rounds;
}

static int spin(int workers, long milliseconds) {
  uint64_t *rounds =
      mmap(NULL, sizeof *rounds * MAX_WORKERS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (rounds == MAP_FAILED || workers > MAX_WORKERS) return 125;
  int64_t end = now() + milliseconds * 1000000;
  for (int i = 0; i < workers; i++) {
    if (fork() != 0) continue;
    rounds[i] = spin_until(end);
    _exit(0);
  }
  while (wait(NULL) > 0) continue;
  uint64_t total = 0;
  for (int i = 0; i < workers; i++) total += rounds[i];
  struct rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  int64_t cpu = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
                (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
  printf("%llu %lld\n", (unsigned long long)total, (long long)cpu);
  return 0;
}

/* Allocates a gigabyte; with a lower limit the process is killed. */
static void allocate(void) {
  for (int i = 0; i < CHUNKS; i++) {
    char *chunk = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED) break;
    for (int offset = 0; offset < CHUNK; offset += PAGE) chunk[offset] = 1;
  }
  _exit(0);
}

static void fork_without_end(void) {
  for (;;) {
    if (fork() == 0) {
      usleep(1000);
      _exit(0);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  }
}

static void noise(int workers) {
  for (int i = 0; i < workers; i++)
    if (fork() == 0) spin_until(INT64_MAX);
  if (fork() == 0) fork_without_end();
  for (;;) {
    pid_t pid = fork();
    if (pid == 0) allocate();
    if (pid > 0) waitpid(pid, NULL, 0);
    usleep(20000); /* each kill is a page in the kernel's log */
  }
}

int main(int argc, char **argv) {
  if (argc == 4 && !strcmp(argv[1], "spin")) return spin(atoi(argv[2]), atol(argv[3]));
  if (argc == 3 && !strcmp(argv[1], "noise")) noise(atoi(argv[2]));
  fprintf(stderr, "usage: load spin WORKERS MILLISECONDS | load noise WORKERS\n");
  return 125;
}
