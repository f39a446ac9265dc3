/* Deadlines in milliseconds of CLOCK_MONOTONIC; a negative deadline means no limit. */
#ifndef RUNT_DEADLINE_H
#define RUNT_DEADLINE_H
#include <stdint.h>
#include <time.h>

static inline int64_t clock_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The timeout for poll(2): -1, no limit, for a negative deadline. */
static inline int milliseconds_until(int64_t deadline) {
  if (deadline < 0) return -1;
  int64_t left = deadline - clock_milliseconds();
  return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
