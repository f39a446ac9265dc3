// Converts launch plans from JavaScript objects to plan blocks (addon/machine/plan_block.h), and launch events back.
// The generated tables in steps.h list the fields of each step; no code here depends on a particular operation.
#define STEP_TABLES
#include "decode.h"

#include <sys/mman.h>

#include <cstring>

extern "C" {
#include "launch.h"
}

namespace {

#ifndef PLAN_USUAL_SIZE             // the fuzz target has a smaller one, so that blocks overflow sooner
#define PLAN_USUAL_SIZE (64 << 10)  // a plan up to this size needs no allocation
#endif
constexpr size_t kUsual = PLAN_USUAL_SIZE;
constexpr size_t kBlockLimit = 1 << 30;  // the size is a 32-bit number, and one writev(2) copies the block
constexpr size_t kGrowth = 4;
alignas(4096) uint8_t usual[2][kUsual];

// Where a block is written. A plan that does not fit is decoded again from the start into larger memory: its pointers
// are absolute, so a block cannot be moved.
struct Memory {
  uint8_t *data;
  size_t size;
} memories[2] = {{usual[0], kUsual}, {usual[1], kUsual}};

bool Grow(Memory *memory) {
  size_t size = memory->size * kGrowth;
  if (size > kBlockLimit) return false;
  if (memory->size > kUsual) munmap(memory->data, memory->size);
  void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool failed = data == MAP_FAILED;
  int index = memory == &memories[0] ? 0 : 1;
  *memory = failed ? Memory{usual[index], kUsual} : Memory{static_cast<uint8_t *>(data), size};
  return !failed;
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

  // Reserves `size` bytes, 8-aligned and zeroed. Returns the offset, or 0 if the block is full.
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

const step_shape *FindShape(napi_env env, napi_value object) {
  char op[32] = "";
  size_t length;
  napi_value value;
  napi_valuetype type;
  if (napi_typeof(env, object, &type) != napi_ok || type != napi_object ||
      napi_get_named_property(env, object, "op", &value) != napi_ok ||
      napi_get_value_string_utf8(env, value, op, sizeof op, &length) != napi_ok)
    return nullptr;
  for (const step_shape &shape : step_shapes)
    if (shape.op[0] == op[0] && strcmp(shape.op, op) == 0) return &shape;
  return nullptr;
}

// Decode one list of steps into the block's memory.
void DecodeInto(Block &block, napi_value steps, uint32_t slots) {
  constexpr size_t kLongestStep = 16 * 8;
  napi_env env = block.env;
  uint32_t count = 0;
  if (napi_get_array_length(env, steps, &count) != napi_ok) return block.Fail("plan", "steps", "must be an array");
  block.Allocate(sizeof(plan_block) + slots * sizeof(int32_t));
  size_t offset = block.Allocate(count * kLongestStep);
  if (block.full) return;
  auto *plan = reinterpret_cast<plan_block *>(block.memory);
  plan->magic = PLAN_MAGIC;
  plan->step_count = count;
  plan->slot_count = slots;
  plan->steps = reinterpret_cast<const step *>(block.address + offset);
  for (uint32_t i = 0; i < count && !block.Stopped(); i++) {
    napi_value object;
    block.index = i;
    const step_shape *shape = napi_get_element(env, steps, i, &object) == napi_ok ? FindShape(env, object) : nullptr;
    if (shape == nullptr) {
      block.Fail("?", "op", "unknown operation");
      break;
    }
    auto *head = reinterpret_cast<step *>(block.Words(offset));
    head->op = static_cast<uint16_t>(shape - step_shapes);
    head->words = shape->words;
    block.Step(object, *shape, offset, slots);
    if (!block.Stopped()) block.Tolerated(object, head, shape->op);
    offset += shape->words * 8;
  }
  plan->size = static_cast<uint32_t>(block.used);
}

// Decodes one list to a plan that is read at `address`, or in place if that is 0. NULL if an exception is pending.
plan_block *Decode(napi_env env, napi_value steps, const char *list, uint32_t slots, Memory *memory, uint64_t address) {
  for (;;) {
    uint64_t at = address != 0 ? address : reinterpret_cast<uint64_t>(memory->data);
    Block block{env, memory->data, memory->size, at, 0, list, 0, false, false};
    DecodeInto(block, steps, slots);
    if (block.failed) return nullptr;
    if (!block.full) return reinterpret_cast<plan_block *>(memory->data);
    if (Grow(memory)) continue;
    napi_throw_error(env, "ENOMEM", "out of memory: no room for the launch plan");
    return nullptr;
  }
}

Napi::Object Report(Napi::Env env, const report &r, bool container) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("list", container ? "containerSteps" : "runtimeSteps");
  object.Set("step", r.step);
  object.Set("syscall", static_cast<const char *>(r.syscall));
  object.Set("errno", r.error);
  const char *name = strerrorname_np(r.error);
  object.Set("code", r.error == 0 || name == nullptr ? "" : name);
  object.Set("detail", static_cast<const char *>(r.detail));
  return object;
}

Napi::Value Event(Napi::Env env, const launch_event &event) {
  static const char *const kinds[] = {"paused", "done", "failed"};
  Napi::Object object =
      event.kind == LAUNCH_FAILED ? Report(env, event.failure, event.in_container != 0) : Napi::Object::New(env);
  object.Set("kind", kinds[event.kind]);
  object.Set("pid", event.pid);
  if (event.kind == LAUNCH_PAUSED) object.Set("step", event.step);
  object.Set("terminal", event.terminal);
  object.Set("kept", event.kept);
  Napi::Array warnings = Napi::Array::New(env, event.warning_count);
  for (int i = 0; i < event.warning_count; i++)
    warnings.Set(static_cast<uint32_t>(i), Report(env, event.warnings[i], true));
  object.Set("warnings", warnings);
  return object;
}

}  // namespace

// Reads a property. False if an exception is pending.
bool Property(const Call &call, napi_value object, const char *name, napi_value *value) {
  return napi_get_named_property(call.Env(), object, name, value) == napi_ok;
}

// Decodes the plan's list of that name to a block. NULL if an exception is pending.
plan_block *DecodeList(const Call &call, const char *list, uint32_t slots, Memory *memory, uint64_t address) {
  napi_value steps;
  uint32_t count;
  if (!Property(call, call.Value(0), list, &steps)) return nullptr;
  if (napi_get_array_length(call.Env(), steps, &count) == napi_ok)
    return Decode(call.Env(), steps, list, slots, memory, address);
  call.Refuse((std::string("plan.") + list).c_str(), "must be an array");
  return nullptr;
}

Napi::Value Launch(const Call &call) {
  // A getter of the plan must not call launch: that would overwrite the blocks.
  static bool is_decoding;
  if (is_decoding || launch_is_paused()) return Throw(call.Env(), EBUSY, "launch");
  napi_value slots;
  if (!Property(call, call.Value(0), "slots", &slots)) return Napi::Value();
  uint32_t slot_count;
  if (napi_get_array_length(call.Env(), slots, &slot_count) != napi_ok)
    return call.Refuse("plan.slots", "must be an array");
  is_decoding = true;
  plan_block *container = nullptr;
  plan_block *runtime = DecodeList(call, "runtimeSteps", slot_count, &memories[0], 0);
  if (runtime != nullptr) container = DecodeList(call, "containerSteps", slot_count, &memories[1], PLAN_ADDRESS);
  is_decoding = false;
  if (container == nullptr) return Napi::Value();
  launch_event event;
  launch_begin(runtime, container, &event);
  return Event(call.Env(), event);
}

Napi::Value Resume(const Call &call) {
  if (!launch_is_paused()) return Throw(call.Env(), EINVAL, "resume");
  launch_event event;
  launch_resume(&event);
  return Event(call.Env(), event);
}

Napi::Value Abandon(const Call &call) {
  if (!launch_is_paused() && !launch_has_init()) return Throw(call.Env(), EINVAL, "abandon");
  launch_abandon();
  return call.Env().Undefined();
}

Napi::Value Start(const Call &call) {
  const std::string &directory = call.Text(0);
  launch_event event;
  int result = launch_start((directory + "/" START_FIFO).c_str(), (directory + "/" REPORT_FIFO).c_str(), &event);
  return result == 0 ? Event(call.Env(), event) : Throw(call.Env(), result, "open", directory.c_str());
}
