/*
 * Asks the kernel what a filter does. Reads from stdin, one request per line:
 *
 *   filter HEX                          the filter for the requests that follow
 *   call ABI NUMBER A0 A1 A2 A3 A4 A5   makes the call in a child under the filter; ABI is "native" or "i386" (int 0x80)
 *   time NUMBER LOOPS                   nanoseconds a call takes under the filter, best of seven runs
 *
 * and prints for each call "RESULT UNFILTERED": what the call returned, or "SIGSYS", and what it returns without filter.
 * A child cannot count on any call under its filter, so it leaves its result in shared memory and dies of an illegal
 * instruction.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct result {
  int done;
  long value, unfiltered;
  double nanoseconds;
};

static struct sock_filter filter[BPF_MAXINSNS];
static struct sock_fprog program = { .filter = filter };
static volatile struct result *result;

static void read_filter(const char *hex) {
  unsigned char *bytes = (unsigned char *)filter;
  size_t size = 0;
  unsigned byte;

  for (; size < sizeof filter && sscanf(hex, "%2x", &byte) == 1; hex += 2)
    bytes[size++] = byte;
  program.len = size / sizeof filter[0];
}

static long native_call(long number, const uint64_t *a) {
  long value;
  register uint64_t r10 __asm__("r10") = a[3];
  register uint64_t r8 __asm__("r8") = a[4];
  register uint64_t r9 __asm__("r9") = a[5];
  __asm__ volatile("syscall"
                   : "=a"(value)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return value;
}

static long i386_call(long number, const uint64_t *a) {
  int value;
  register uint64_t r12 __asm__("r12") = a[5];
  __asm__ volatile("push %%rbp\n\tmov %%r12d, %%ebp\n\tint $0x80\n\tpop %%rbp"
                   : "=a"(value)
                   : "a"((int)number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]), "r"(r12)
                   : "r8", "r9", "r10", "r11", "memory");
  return value;
}

static void install(void) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program)) {
    result->value = errno;
    result->done = -1;
    _exit(1);
  }
}

static void call(char *line) {
  char abi[16];
  unsigned long number;
  uint64_t a[6] = { 0 };
  int status;
  pid_t child;

  sscanf(line, "%15s %lu %lu %lu %lu %lu %lu %lu", abi, &number, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]);
  memset((void *)result, 0, sizeof *result);
  child = fork();
  if (child == 0) {
    long (*make)(long, const uint64_t *) = strcmp(abi, "i386") ? native_call : i386_call;
    result->unfiltered = make(number, a);
    install();
    result->value = make(number, a);
    result->done = 1;
    __builtin_trap();
  }
  waitpid(child, &status, 0);
  if (result->done < 0)
    printf("refused %ld\n", result->value);
  else if (result->done)
    printf("%ld %ld\n", result->value, result->unfiltered);
  else
    printf("%s %ld\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exited", result->unfiltered);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static void measure(char *line) {
  unsigned long number, loops;
  uint64_t a[6] = { 0 };
  pid_t child;

  sscanf(line, "%lu %lu", &number, &loops);
  memset((void *)result, 0, sizeof *result);
  child = fork();
  if (child == 0) {
    double best = 1e30;
    install();
    for (int run = 0; run < 7; run++) {
      double start = now();
      for (unsigned long i = 0; i < loops; i++)
        native_call(number, a);
      double each = (now() - start) / loops;
      if (each < best)
        best = each;
    }
    result->nanoseconds = best;
    __builtin_trap();
  }
  waitpid(child, NULL, 0);
  printf("%.2f\n", result->nanoseconds);
}

int main(void) {
  static char line[1 << 17];
  struct rlimit none = { 0, 0 };

  result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  setrlimit(RLIMIT_CORE, &none);
  while (fgets(line, sizeof line, stdin)) {
    if (!strncmp(line, "filter ", 7))
      read_filter(line + 7);
    else if (!strncmp(line, "call ", 5))
      call(line + 5);
    else if (!strncmp(line, "time ", 5))
      measure(line + 5);
    fflush(stdout);
  }
  return 0;
}
