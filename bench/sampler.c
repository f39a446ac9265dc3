/*
 * sampler.c: runs the commands that bench.ts lists and prints the time of each. It is small, because a JavaScript
 * parent would add its own fork and event loop to every sample. All cases take turns in a new random order every round,
 * so that other load of the machine affects all of them alike.
 *
 *   sampler ROUNDS IDLE_MS < cases > samples
 *
 * Input, fields separated by tabs; "@" in an argument is replaced by a number that is new for every sample:
 *   case NAME            begins a case
 *   before ARGV...       run before the clock starts
 *   time ARGV...         run on the clock; several of these add up
 *   after ARGV...        run after the clock has stopped, in any case
 * Output: NAME, nanoseconds, largest resident memory of the timed commands in KB, 1 if one of them failed.
 * IDLE_MS of sleep precede every clock start, as on an idle host; 0 is back to back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CASES 32
#define MAX_COMMANDS 8
#define MAX_ARGS 24

struct command {
  char when; /* 'b', 't' or 'a' */
  int argc;
  char *argv[MAX_ARGS + 1];
};

struct sample_case {
  const char *name;
  int count;
  struct command commands[MAX_COMMANDS];
};

static struct sample_case cases[MAX_CASES];
static int case_count;

static void fail(const char *why) {
  fprintf(stderr, "sampler: %s\n", why);
  exit(125);
}

static void read_cases(void) {
  char *line = NULL;
  size_t size = 0;
  ssize_t len;
  while ((len = getline(&line, &size, stdin)) > 0) {
    if (line[len - 1] == '\n') line[--len] = 0;
    char *rest = strdup(line);
    char *word = strsep(&rest, "\t");
    if (!strcmp(word, "case")) {
      if (case_count == MAX_CASES || !rest) fail("too many cases, or one without a name");
      cases[case_count++].name = rest;
      continue;
    }
    struct sample_case *c = &cases[case_count - 1];
    if (case_count == 0 || c->count == MAX_COMMANDS) fail("a command outside of a case, or too many");
    struct command *cmd = &c->commands[c->count++];
    cmd->when = word[0];
    while ((word = strsep(&rest, "\t"))) {
      if (cmd->argc == MAX_ARGS) fail("too many arguments");
      cmd->argv[cmd->argc++] = word;
    }
  }
}

/* Inserts the sample's number; the buffers are valid until the next sample. */
static void number_args(const struct command *cmd, unsigned long serial, char *argv[], char space[][512]) {
  for (int i = 0; i < cmd->argc; i++) {
    const char *at = strchr(cmd->argv[i], '@');
    argv[i] = cmd->argv[i];
    if (!at) continue;
    snprintf(space[i], 512, "%.*s%lu%s", (int)(at - cmd->argv[i]), cmd->argv[i], serial, at + 1);
    argv[i] = space[i];
  }
  argv[cmd->argc] = NULL;
}

static int run(const struct command *cmd, unsigned long serial, struct rusage *usage) {
  char *argv[MAX_ARGS + 1];
  char space[MAX_ARGS][512];
  number_args(cmd, serial, argv, space);
  pid_t pid = vfork();
  if (pid == 0) {
    execv(argv[0], argv);
    _exit(126);
  }
  int status;
  if (pid < 0 || wait4(pid, &status, 0, usage) < 0) fail("cannot run a command");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sample(const struct sample_case *c, unsigned long serial, long idle_ms, FILE *out) {
  int64_t start = 0, end = 0;
  long rss = 0;
  int failed = 0;
  struct rusage usage;
  for (int i = 0; i < c->count; i++)
    if (c->commands[i].when == 'b') run(&c->commands[i], serial, &usage);
  struct timespec idle = {idle_ms / 1000, idle_ms % 1000 * 1000000};
  if (idle_ms) nanosleep(&idle, NULL);
  start = now();
  for (int i = 0; i < c->count; i++) {
    if (c->commands[i].when != 't') continue;
    failed |= run(&c->commands[i], serial, &usage) != 0;
    if (usage.ru_maxrss > rss) rss = usage.ru_maxrss;
  }
  end = now();
  for (int i = 0; i < c->count; i++)
    if (c->commands[i].when == 'a') run(&c->commands[i], serial, &usage);
  /* The container processes of create are re-parented to us, as to an engine's shim. */
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  fprintf(out, "%s\t%lld\t%ld\t%d\n", c->name, (long long)(end - start), rss, failed);
}

int main(int argc, char **argv) {
  if (argc != 3) fail("usage: sampler ROUNDS IDLE_MS");
  read_cases();
  /* Discards the commands' stdout; a container must not hold the pipe to bench.ts open. */
  FILE *out = fdopen(fcntl(1, F_DUPFD_CLOEXEC, 3), "w");
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (!out || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) fail("cannot set up stdio");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  srandom((unsigned)now());
  unsigned long serial = 0;
  int order[MAX_CASES];
  for (long round = 0; round < atol(argv[1]); round++) {
    for (int i = 0; i < case_count; i++) {
      int j = (int)(random() % (i + 1));
      order[i] = order[j];
      order[j] = i;
    }
    for (int i = 0; i < case_count; i++) sample(&cases[order[i]], ++serial, atol(argv[2]), out);
  }
  return fclose(out) == 0 ? 0 : 125;
}
