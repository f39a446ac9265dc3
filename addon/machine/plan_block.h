/* The layout of a plan in memory: a header, the steps, then their strings and lists; all pointers are absolute.
 * decode.cc writes it; the machine only reads it. Init's copy is a read-only segment of its executable image, which the
 * kernel maps at PLAN_ADDRESS: init need not parse, copy or free it, and execve(2) unmaps it. */
#ifndef RUNT_PLAN_BLOCK_H
#define RUNT_PLAN_BLOCK_H
#include <stdint.h>

#define PLAN_ADDRESS 0x40000000UL
#define PLAN_MAGIC 0x746e7572u /* "runt" */
#define PLAN_FEW_SLOTS 256     /* up to this many need no higher limit of open files and no allocation in init */
#define PLAN_TOLERATE 4

struct step {
  uint16_t op;
  uint16_t words; /* length of the whole step in 8-byte words */
  uint8_t tolerate[PLAN_TOLERATE];
};

/* items ends with NULL: usable as argv and envp */
struct strings {
  uint64_t count;
  char *const *items;
};

struct ints {
  uint64_t count;
  const int64_t *items;
};

struct bytes {
  uint64_t length;
  const uint8_t *data;
};

struct plan_block {
  uint32_t magic;
  uint32_t size; /* of the whole block, in bytes */
  uint32_t step_count;
  uint32_t slot_count;
  uint64_t nofile; /* the soft limit of open files that init restores; 0: the runtime has not raised it */
  const struct step *steps;
  int32_t fds[]; /* slot_count: descriptors of the slots when init starts, -1 empty */
};

/* What decode.cc needs to know about a step (tables in the generated steps.h, under STEP_TABLES). */
enum step_field_kind { FIELD_SLOT, FIELD_INTO, FIELD_INT, FIELD_STRING, FIELD_STRINGS, FIELD_INTS, FIELD_BYTES };

struct step_field {
  const char *name;
  uint8_t kind;
  uint8_t word;
  uint8_t optional;
};

struct step_shape {
  const char *op;
  uint16_t first_field;
  uint8_t field_count;
  uint8_t words;
};

#endif
