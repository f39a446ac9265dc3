/* Protections that a test build (make WEAKEN=1) can turn off, so that a test can show that an attack succeeds without
 * them. In such a build the environment variable RUNT_WEAKEN lists the protections that are off, separated by commas;
 * in every other build WEAKENED() is 0 and compiles to nothing. Those in TypeScript: src/weaken.ts. */
#ifndef RUNT_WEAKEN_H
#define RUNT_WEAKEN_H

#ifdef RUNT_WEAKEN
#include <stdlib.h>
#include <string.h>

static inline int weakened(const char *wall) {
  const char *list = getenv("RUNT_WEAKEN");
  size_t length = strlen(wall);
  for (const char *at = list ? strstr(list, wall) : NULL; at; at = strstr(at + 1, wall))
    if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length])) return 1;
  return 0;
}
#define WEAKENED(wall) weakened(wall)
#else
#define WEAKENED(wall) 0
#endif

#endif
