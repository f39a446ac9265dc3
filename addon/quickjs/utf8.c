// Conversion of invalid text, as in Node: each maximal invalid sequence of bytes is decoded as U+FFFD (Unicode 15,
// section 3.9), and a lone surrogate is encoded as U+FFFD. QuickJS alone accepts overlong forms and encoded surrogates,
// and writes lone surrogates as three bytes.
#include "embed.h"

#include <string.h>

static const char REPLACEMENT[] = "\xEF\xBF\xBD";

static int continues(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

// Sets the bounds of the second byte. Returns the number of bytes after the first; 0 for an invalid first byte.
static int sequence(uint8_t lead, uint8_t *low, uint8_t *high) {
  *low = 0x80;
  *high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) return 1;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (lead == 0xE0) *low = 0xA0;
    if (lead == 0xED) *high = 0x9F;
    return 2;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (lead == 0xF0) *low = 0x90;
    if (lead == 0xF4) *high = 0x8F;
    return 3;
  }
  return 0;
}

// Returns the length of the sequence at `bytes`: positive if it is well formed, negative if it must be replaced.
static int measure(const uint8_t *bytes, size_t left) {
  if (bytes[0] < 0x80) return 1;
  uint8_t low, high;
  int following = sequence(bytes[0], &low, &high);
  if (following == 0 || left < 2 || bytes[1] < low || bytes[1] > high) return -1;
  for (int i = 2; i <= following; i++)
    if ((size_t)i >= left || !continues(bytes[i])) return -i;
  return following + 1;
}

static size_t valid_prefix(const uint8_t *bytes, size_t length) {
  size_t at = 0;
  while (at < length) {
    if (bytes[at] < 0x80) {
      at++;
      continue;
    }
    int size = measure(bytes + at, length - at);
    if (size < 0) break;
    at += (size_t)size;
  }
  return at;
}

static size_t repair(const uint8_t *bytes, size_t length, char *out) {
  size_t written = 0;
  for (size_t at = 0; at < length;) {
    int size = measure(bytes + at, length - at);
    size_t step = (size_t)(size < 0 ? -size : size);
    size_t width = size < 0 ? sizeof REPLACEMENT - 1 : step;
    memcpy(out + written, size < 0 ? REPLACEMENT : (const char *)bytes + at, width);
    written += width;
    at += step;
  }
  return written;
}

JSValue new_text(JSContext *context, const char *bytes, size_t length) {
  if (valid_prefix((const uint8_t *)bytes, length) == length) return JS_NewStringLen(context, bytes, length);
  char *repaired = js_malloc(context, length * 3);
  if (!repaired) return JS_EXCEPTION;
  JSValue text = JS_NewStringLen(context, repaired, repair((const uint8_t *)bytes, length, repaired));
  js_free(context, repaired);
  return text;
}

static int is_surrogate(const char *text, size_t left) {
  return left >= 3 && (uint8_t)text[0] == 0xED && (uint8_t)text[1] >= 0xA0;
}

// Copies QuickJS's encoding, whole characters only, as napi_get_value_string_utf8 promises. A surrogate and its
// replacement have the same length, so the total length is known in advance.
size_t copy_text(char *out, size_t capacity, const char *text, size_t length) {
  size_t count = length < capacity ? length : capacity;
  while (count > 0 && count < length && continues((uint8_t)text[count])) count--;
  memcpy(out, text, count);
  for (char *at = out; (at = memchr(at, 0xED, count - (size_t)(at - out))) != NULL; at += 3)
    if (is_surrogate(at, count - (size_t)(at - out))) memcpy(at, REPLACEMENT, 3);
  return count;
}
