/* What the files of this test share: see steps_test.c. */
#ifndef RUNT_STEPS_TEST_H
#define RUNT_STEPS_TEST_H
#include "machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { NONE = -1, ROOT = 1, A, B, C, SLOTS = 16 };

extern struct machine m;

/* Calls the handler `name` with a step of the given fields. Other slots are absent; slot 0 cannot be given. */
#define RUN(name, ...)                                                                                                 \
  ({                                                                                                                   \
    struct step_##name step = {.head = {.op = OP_##name}, __VA_ARGS__};                                                \
    prepare(&step.head);                                                                                               \
    op_##name(&m, &step);                                                                                              \
  })

/* Marks the slots that are 0 as absent and forgets the last failure. */
void prepare(struct step *step);

void ok(_Bool good, const char *what);
void is(long got, long wanted, const char *what);
/* Runs the function in a child process; it succeeds if it returns 0. */
void in_child(int (*body)(void), const char *what);
void skip(const char *what, const char *why);

void fill(int slot, int fd);
int slot_fd(int slot);
void write_text(const char *path, const char *text);
const char *read_text(const char *path);
int exists(const char *path);
int is_empty_directory(const char *path);
mode_t mode_of(const char *path);

void test_paths(void);
void test_files(void);
void test_mounts(void);
void test_hooks(void);
void test_process(void);
void test_terminal(void);
void test_copy(void);
void test_network(void);
void test_userns(void);

#endif
