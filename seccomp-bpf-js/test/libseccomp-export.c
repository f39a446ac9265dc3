/*
 * What libseccomp makes of a profile, for the differential tests: reads profiles from stdin, one after the other, does with
 * each what runc does (an unknown name is skipped, the first refused rule ends it), and prints the filter in hexadecimal.
 *
 *   profile DEFAULT OPTIMIZE NATIVE ARCH...     return value, SCMP_FLTATR_CTL_OPTIMIZE, tokens of libseccomp (or 0)
 *   rule ACTION NAME [INDEX OP VALUE VALUE2]...
 *   newest NAME...                              names the ENOSYS rule looks at
 *   pfc                                         prints libseccomp's own pseudo code of the rules, then a line "pfc end"
 *   end
 *   resolve TOKEN NAME...                       by itself: the numbers of names on an architecture
 *
 * Output per profile: "filter HEX", "refused ERRNO RULE" or "failed SIGNAL", then "newest NUMBER..." in the order NATIVE
 * ARCH... Each profile has a process of its own and one second, because libseccomp crashes or never returns on some.
 */
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARCHS 32

static scmp_filter_ctx filter;
static uint32_t archs[MAX_ARCHS];
static int newest[MAX_ARCHS];
static int arch_count, rule_count, refused, refused_rule;

static void start(char *line) {
  uint32_t action, optimize;
  int used, error = 0;

  sscanf(line, "%" SCNu32 " %" SCNu32 "%n", &action, &optimize, &used);
  filter = seccomp_init(action);
  if (!filter) {
    fprintf(stderr, "seccomp_init refuses default action %x\n", action);
    exit(1);
  }
  arch_count = rule_count = refused = 0;
  for (char *word = strtok(line + used, " "); word; word = strtok(NULL, " ")) {
    uint32_t token = strtoul(word, NULL, 10);
    if (arch_count == 0 && token != seccomp_arch_native())
      seccomp_arch_remove(filter, seccomp_arch_native());
    if (arch_count > 0 || token != seccomp_arch_native())
      error = seccomp_arch_add(filter, token);
    if (error && error != -EEXIST && !refused)
      refused = -error, refused_rule = -1;
    newest[arch_count] = 0;
    archs[arch_count++] = token;
  }
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, optimize);
}

static void rule(char *line) {
  uint32_t action = strtoul(strtok(line, " "), NULL, 10);
  int number = seccomp_syscall_resolve_name(strtok(NULL, " "));
  struct scmp_arg_cmp args[6];
  unsigned count = 0;
  int error;

  for (char *word = strtok(NULL, " "); word && count < 6; word = strtok(NULL, " "), count++) {
    args[count].arg = strtoul(word, NULL, 10);
    args[count].op = strtoul(strtok(NULL, " "), NULL, 10);
    args[count].datum_a = strtoull(strtok(NULL, " "), NULL, 10);
    args[count].datum_b = strtoull(strtok(NULL, " "), NULL, 10);
  }
  if (number != __NR_SCMP_ERROR && !refused) {
    error = seccomp_rule_add_array(filter, action, number, count, args);
    if (error)
      refused = -error, refused_rule = rule_count;
  }
  rule_count++;
}

static void find_newest(char *line) {
  for (char *name = strtok(line, " "); name; name = strtok(NULL, " "))
    for (int i = 0; i < arch_count; i++) {
      int number = seccomp_syscall_resolve_name_arch(archs[i], name);
      if (number > newest[i])
        newest[i] = number;
    }
}

static void finish(void) {
  static unsigned char bytes[8 * 65536];
  ssize_t size;
  FILE *file;
  int error;

  if (refused) {
    printf("refused %d %d", refused, refused_rule);
  } else {
    file = tmpfile();
    error = seccomp_export_bpf(filter, fileno(file));
    if (error) {
      printf("refused %d -2", -error);
    } else {
      size = pread(fileno(file), bytes, sizeof bytes, 0);
      printf("filter ");
      for (ssize_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    }
    fclose(file);
  }
  printf(" newest");
  for (int i = 0; i < arch_count; i++)
    printf(" %d", newest[i]);
  putchar('\n');
  seccomp_release(filter);
}

static void resolve(char *line) {
  uint32_t token = strtoul(strtok(line, " "), NULL, 10);

  for (char *name = strtok(NULL, " "); name; name = strtok(NULL, " "))
    printf("%d ", seccomp_syscall_resolve_name_arch(token, name));
  putchar('\n');
}

static void run(char *script) {
  for (char *line = script, *next; *line; line = next) {
    next = line + strcspn(line, "\n");
    *next++ = 0;
    if (!strncmp(line, "profile ", 8))
      start(line + 8);
    else if (!strncmp(line, "rule ", 5))
      rule(line + 5);
    else if (!strncmp(line, "newest ", 7))
      find_newest(line + 7);
    else if (!strcmp(line, "pfc")) {
      fflush(stdout);
      seccomp_export_pfc(filter, STDOUT_FILENO);
      puts("pfc end");
    } else
      finish();
  }
}

int main(void) {
  const struct scmp_version *version = seccomp_version();
  static char line[1 << 20], script[1 << 22];
  size_t size = 0;
  pid_t child;
  int status;

  printf("libseccomp %u.%u.%u\n", version->major, version->minor, version->micro);
  while (fgets(line, sizeof line, stdin)) {
    if (!strncmp(line, "resolve ", 8)) {
      line[strcspn(line, "\n")] = 0;
      resolve(line + 8);
      continue;
    }
    size += snprintf(script + size, sizeof script - size, "%s", line);
    if (strcmp(line, "end\n"))
      continue;
    size = 0;
    fflush(stdout);
    child = fork();
    if (child == 0) {
      alarm(1);
      run(script);
      fflush(stdout);
      _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
      perror("libseccomp-export"), exit(1);
    if (status)
      printf("failed %d newest\n", WTERMSIG(status));
  }
  return 0;
}
