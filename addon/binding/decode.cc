// Converts launch plans from JavaScript objects to plan blocks.
#include "decode.h"

#include <sys/mman.h>

#include "block.h"

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

#define MEMBER(op) step_##op op;
union any_step {
  STEPS_OF_BOTH(MEMBER)
  STEPS_OF_RUNTIME(MEMBER)
  STEPS_OF_INIT(MEMBER)
  STEPS_OF_TYPESCRIPT(MEMBER)
};
#undef MEMBER

// Decode one list of steps into the block's memory.
void DecodeInto(Block &block, napi_value steps, uint32_t slots) {
  napi_env env = block.env;
  uint32_t count = 0;
  if (napi_get_array_length(env, steps, &count) != napi_ok) return block.Fail("plan", "steps", "must be an array");
  block.Allocate(sizeof(plan_block) + slots * sizeof(int32_t));
  size_t offset = block.Allocate(count * sizeof(any_step));
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

}  // namespace

plan_block *Decode(napi_env env, napi_value steps, const char *list, uint32_t slots, int index, uint64_t address) {
  Memory *memory = &memories[index];
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
