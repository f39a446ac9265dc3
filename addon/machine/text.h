/* Text in fixed buffers, since init has no printf. Text that does not fit is cut off; the buffer always ends with a
 * NUL.
 */
#ifndef RUNT_TEXT_H
#define RUNT_TEXT_H
#include "machine.h"

/* Appends `text` to the buffer of `size` bytes. */
static inline void text_append(char *buffer, size_t size, const char *text) {
  size_t at = 0;
  while (at < size && buffer[at]) at++;
  while (at + 1 < size && *text) buffer[at++] = *text++;
  if (at < size) buffer[at] = '\0';
}

/* Appends a number in base 10 or 16. */
static inline void text_append_number(char *buffer, size_t size, uint64_t number, unsigned base) {
  char digits[24];
  char *p = &digits[sizeof digits - 1];
  *p = '\0';
  do *--p = "0123456789abcdef"[number % base];
  while ((number /= base) != 0);
  text_append(buffer, size, p);
}

/* Sets the detail that a failed step reports in addition to the errno. */
static inline void detail_begin(struct machine *m, const char *text) {
  m->detail[0] = '\0';
  text_append(m->detail, sizeof m->detail, text);
}

static inline void detail_add(struct machine *m, const char *text) {
  text_append(m->detail, sizeof m->detail, text);
}

static inline void detail_add_number(struct machine *m, uint64_t number, unsigned base) {
  text_append_number(m->detail, sizeof m->detail, number, base);
}

#endif
