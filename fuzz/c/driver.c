/* Runs a fuzz target without libFuzzer, and in `make test`: every file of the corpus once, then mutations
 * of them that depend on the seed only. Usage: TARGET RUNS SEED CRASH FILE…; the input of a crash is written to the
 * file CRASH. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void));

struct input {
  size_t size;
  uint8_t data[LARGEST];
};

static struct input current;
static const char *crash;
static uint64_t state;

static void save(void) {
  FILE *file = fopen(crash, "w");
  if (!file) return;
  fwrite(current.data, 1, current.size, file);
  fclose(file);
  fprintf(stderr, "input: %s\n", crash);
}

static void on_abort(int signal_number) {
  signal(signal_number, SIG_DFL);
  save();
}

/* xorshift64* */
static uint32_t below(uint32_t limit) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545f4914f6cdd1d) >> 32) % limit;
}

static void run(void) {
  /* A copy of exactly this size, so that the sanitizer detects reads beyond its end. */
  uint8_t *copy = malloc(current.size ? current.size : 1);
  memcpy(copy, current.data, current.size);
  LLVMFuzzerTestOneInput(copy, current.size);
  free(copy);
}

static void insert(size_t at, const uint8_t *data, size_t size) {
  if (size > LARGEST - current.size) size = LARGEST - current.size;
  memmove(current.data + at + size, current.data + at, current.size - at);
  memcpy(current.data + at, data, size);
  current.size += size;
}

static void mutate(const struct input *other) {
  static const uint8_t odd[] = {0, 1, 2, 127, 128, 0xe0, 0xe8, 0xf0, 0xf8, 0xfe, 0xff};
  uint8_t byte = below(3) ? (uint8_t)below(256) : odd[below(sizeof odd)];
  size_t at = below((uint32_t)current.size + 1);
  size_t from = below((uint32_t)other->size + 1), count = below((uint32_t)(other->size - from) + 1);
  switch (below(6)) {
  case 0:
    if (at < current.size) current.data[at] ^= (uint8_t)(1 << below(8));
    return;
  case 1:
    if (at < current.size) current.data[at] = byte;
    return;
  case 2:
    return insert(at, &byte, 1);
  case 3:
    count = below((uint32_t)(current.size - at) + 1) / 4;
    memmove(current.data + at, current.data + at + count, current.size - at - count);
    current.size -= count;
    return;
  default:
    return insert(at, other->data + from, count);
  }
}

static struct input *read_all(char **paths, int count) {
  struct input *all = calloc((size_t)count + 1, sizeof *all);
  for (int i = 0; i < count; i++) {
    FILE *file = fopen(paths[i], "r");
    if (!file) {
      perror(paths[i]);
      exit(2);
    }
    all[i].size = fread(all[i].data, 1, LARGEST, file);
    fclose(file);
  }
  return all;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  long runs = atol(argv[1]);
  int count = argc - 4;
  state = strtoull(argv[2], NULL, 10) * 2 + 1;
  crash = argv[3];
  signal(SIGABRT, on_abort);
  __sanitizer_set_death_callback(save);
  struct input *all = read_all(argv + 4, count);
  for (int i = 0; i < count; i++) {
    current = all[i];
    run();
  }
  for (long i = 0; i < runs; i++) {
    current = all[below((uint32_t)count + 1)]; /* the last one is empty */
    for (uint32_t j = below(6) + 1; j > 0; j--) mutate(&all[below((uint32_t)count + 1)]);
    run();
  }
  printf("%ld executions\n", runs + count);
  free(all);
  return 0;
}
