// Writes a plan block (addon/machine/plan_block.h) from JavaScript values. The generated tables in steps.h list the
// fields of each step; no code here depends on a particular operation.
#pragma once
#define STEP_TABLES
#include "arguments.h"

#include <cstdio>
#include <cstring>

extern "C" {
#include "machine.h"
#include "plan_block.h"
}

// Writes one block. Pointers are absolute in the address space of the reader, hence `address`.
struct Block {
  napi_env env;
  uint8_t *memory;
  size_t size;
  uint64_t address;
  size_t used;
  const char *list;
  uint32_t index;
  bool failed;  // an exception is pending
  bool full;

  bool Stopped() const {
    return failed || full;
  }

  void Fail(const char *op, const char *field, const char *reason) {
    if (Stopped()) return;
    failed = true;
    bool pending = false;  // thrown by the engine: out of memory
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return;
    char text[200];
    snprintf(text, sizeof text, "%s[%u] (%s) %s: %s", list, index, op, field, reason);
    napi_throw_type_error(env, nullptr, text);  // no effect if a getter has thrown
  }

  // Reserves `length` bytes, 8-aligned and zeroed. Returns the offset, or 0 if the block is full.
  size_t Allocate(size_t length) {
    size_t at = (used + 7) & ~size_t{7};
    if (length > size || at + length > size) {
      full = true;
      return 0;
    }
    memset(memory + used, 0, at + length - used);
    used = at + length;
    return at;
  }

  uint64_t *Words(size_t offset) {
    return reinterpret_cast<uint64_t *>(memory + offset);
  }

  // Stores the address of a NUL-terminated copy of the string. False if the value is not a string or contains a NUL.
  bool String(napi_value value, uint64_t *pointer) {
    size_t room = size - used, length = 0;
    if (napi_get_value_string_utf8(env, value, reinterpret_cast<char *>(memory + used), room, &length) != napi_ok)
      return false;
    full = length + 1 >= room;
    if (full || memchr(memory + used, 0, length) != nullptr) return false;
    *pointer = address + used;
    used += length + 1;
    return true;
  }

  bool Int(napi_value value, int64_t *result) {
    double number;
    bool lossless;
    if (napi_get_value_double(env, value, &number) == napi_ok) {
      // The casts are undefined for NaN and for values outside of these bounds.
      if (!(number >= -9223372036854775808.0 && number < 18446744073709551616.0)) return false;
      bool upper = number >= 9223372036854775808.0;
      *result = upper ? static_cast<int64_t>(static_cast<uint64_t>(number)) : static_cast<int64_t>(number);
      return upper || static_cast<double>(*result) == number;
    }
    if (napi_get_value_bigint_int64(env, value, result, &lossless) != napi_ok) return false;
    uint64_t bits;
    if (!lossless && (napi_get_value_bigint_uint64(env, value, &bits, &lossless) != napi_ok || !lossless)) return false;
    if (!lossless) *result = static_cast<int64_t>(bits);
    return true;
  }

  bool List(napi_value value, uint8_t kind, uint64_t *words) {
    uint32_t length;
    if (napi_get_array_length(env, value, &length) != napi_ok) return false;
    size_t items = Allocate((size_t{length} + 1) * 8);
    words[0] = length;
    words[1] = address + items;
    for (uint32_t i = 0; i < length && !full; i++) {
      napi_value item;
      uint64_t *word = Words(items) + i;
      if (napi_get_element(env, value, i, &item) != napi_ok) return false;
      if (kind == FIELD_STRINGS ? !String(item, word) : !Int(item, reinterpret_cast<int64_t *>(word))) return false;
    }
    return true;
  }

  bool Bytes(napi_value value, uint64_t *words) {
    napi_typedarray_type type;
    size_t length;
    void *data;
    if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
    size_t at = Allocate(length + 1);
    if (!full && length != 0) memcpy(memory + at, data, length);  // data is NULL when its buffer was transferred
    words[0] = length;
    words[1] = address + at;
    return type == napi_uint8_array;
  }

  bool Field(const step_field &field, napi_value value, uint64_t *words, uint32_t slots) {
    auto *integer = reinterpret_cast<int64_t *>(words);
    switch (field.kind) {
    case FIELD_SLOT:
    case FIELD_INTO:
      return Int(value, integer) && *integer >= -1 && *integer < static_cast<int64_t>(slots);
    case FIELD_INT:
      return Int(value, integer);
    case FIELD_STRING:
      return String(value, words);
    case FIELD_BYTES:
      return Bytes(value, words);
    default:
      return List(value, field.kind, words);
    }
  }

  void Step(napi_value object, const step_shape &shape, size_t offset, uint32_t slots) {
    for (int i = 0; i < shape.field_count && !Stopped(); i++) {
      const step_field &field = step_fields[shape.first_field + i];
      napi_value value;
      napi_valuetype type;
      uint64_t *words = Words(offset) + field.word;
      if (napi_get_named_property(env, object, field.name, &value) != napi_ok ||
          napi_typeof(env, value, &type) != napi_ok) {
        Fail(shape.op, field.name, "cannot be read");
        return;
      }
      if (type == napi_undefined) {
        if (field.kind == FIELD_SLOT || field.kind == FIELD_INTO) words[0] = ~uint64_t{0};
        if (!field.optional) Fail(shape.op, field.name, "missing");
      } else if (!Field(field, value, words, slots)) {
        Fail(shape.op, field.name, "wrong type, out of range or with a NUL");
      }
    }
  }

  void Tolerated(napi_value object, step *head, const char *op) {
    napi_value list;
    napi_valuetype type;
    uint32_t length;
    if (napi_get_named_property(env, object, "tolerate", &list) != napi_ok ||
        napi_typeof(env, list, &type) != napi_ok) {
      Fail(op, "tolerate", "cannot be read");
      return;
    }
    if (type == napi_undefined) return;
    if (napi_get_array_length(env, list, &length) != napi_ok) {
      Fail(op, "tolerate", "must be an array");
      return;
    }
    for (uint32_t i = 0; i < length; i++) {
      napi_value item;
      int64_t value = 0;
      if (i >= PLAN_TOLERATE || napi_get_element(env, list, i, &item) != napi_ok || !Int(item, &value) || value <= 0 ||
          value > 255) {
        Fail(op, "tolerate", "at most four errnos");
        return;
      }
      head->tolerate[i] = static_cast<uint8_t>(value);
    }
  }
};
