/* The assertion of the fuzz targets; TARGET is the name of the target. */
#ifndef RUNT_FUZZ_CHECK_H
#define RUNT_FUZZ_CHECK_H
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, TARGET ": %s (line %d)\n", #condition, __LINE__);                                                \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

#endif
