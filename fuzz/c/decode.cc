// Fuzz target: the plan decoder (addon/binding/decode.cc) against a Node-API whose answers are the input, byte by byte,
// and an independent check of the block that it writes. A getter may answer differently each time, as in JavaScript.
#include <cstddef>
#include <cstdint>
#include <cstring>

// Without libFuzzer's hooks, which cost more than the rest; no input needs to guess a string.
static inline int compare(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a - *b;
}
static inline bool same(const void *a, const void *b, size_t size) {
  auto *first = static_cast<const uint8_t *>(a), *second = static_cast<const uint8_t *>(b);
  while (size > 0 && *first == *second) first++, second++, size--;
  return size == 0;
}
#define strcmp compare
#define PLAN_BLOCK_LIMIT (8 << 10)
#include "../../addon/binding/decode.cc"

#include "napi.h"

namespace {

alignas(4096) uint8_t memory[PLAN_BLOCK_LIMIT];
constexpr uint64_t kAddress = PLAN_ADDRESS;

#define TARGET "decode"
#include "check.h"

// The block as init maps it: addresses from kAddress up. `strings` is where the steps end.
struct Checker {
  const plan_block *block;
  const Answers *answers;
  size_t tables = 0;
  size_t next = 0;

  const uint8_t *At(uint64_t address, uint64_t size) const {
    CHECK(address >= kAddress + tables && address <= kAddress + block->size);
    CHECK(size <= kAddress + block->size - address);
    return memory + (address - kAddress);
  }

  void Text(uint64_t address, const Answer &answer) const {
    CHECK(answer.kind == Answer::kString);
    const uint8_t *text = At(address, answer.length + 1);
    CHECK(same(text, answer.text, answer.length) && text[answer.length] == 0);
    CHECK(strlen(reinterpret_cast<const char *>(text)) == answer.length);
  }

  static void Number(uint64_t word, const Answer &answer) {
    uint64_t wanted;
    CHECK(answer.Integer(&wanted));
    CHECK(word == wanted);
  }

  void List(const uint64_t *words, bool texts, const Answer &answer) {
    CHECK(answer.kind == Answer::kList && words[0] == answer.length);
    CHECK(words[1] % 8 == 0);
    auto *items = reinterpret_cast<const uint64_t *>(At(words[1], (words[0] + 1) * 8));
    CHECK(items[words[0]] == 0);
    for (uint64_t i = 0; i < words[0]; i++) {
      const Answer &item = answers->At(next++);
      texts ? Text(items[i], item) : Number(items[i], item);
    }
  }

  void Field(const step_field &field, const uint64_t *words, uint32_t slots) {
    const Answer &answer = answers->At(next++);
    bool isSlot = field.kind == FIELD_SLOT || field.kind == FIELD_INTO;
    if (answer.kind == Answer::kUndefined) {
      CHECK(field.optional);
      CHECK(words[0] == (isSlot ? ~uint64_t{0} : 0));
      return;
    }
    auto slot = static_cast<int64_t>(words[0]);
    if (isSlot) CHECK(slot >= -1 && slot < static_cast<int64_t>(slots));
    switch (field.kind) {
    case FIELD_STRING:
      return Text(words[0], answer);
    case FIELD_STRINGS:
    case FIELD_INTS:
      return List(words, field.kind == FIELD_STRINGS, answer);
    case FIELD_BYTES:
      CHECK(answer.kind == Answer::kBytes && answer.array == napi_uint8_array && words[0] == answer.length);
      CHECK(answer.length == 0 || same(At(words[1], words[0]), answer.text, words[0]));
      At(words[1], words[0] + 1);
      return;
    default:
      return Number(words[0], answer);
    }
  }

  void Tolerated(const step *head) {
    const Answer &list = answers->At(next++);
    CHECK(list.kind == Answer::kList || list.kind == Answer::kUndefined);
    for (uint64_t i = 0; i < PLAN_TOLERATE; i++) {
      bool given = list.kind == Answer::kList && i < list.length;
      Number(head->tolerate[i], given ? answers->At(next++) : Answer{});
    }
  }

  static uint64_t Size(const step_shape &shape) {
    uint64_t words = 1;
    for (int i = 0; i < shape.field_count; i++) {
      const step_field &field = step_fields[shape.first_field + i];
      CHECK(field.word == words);
      words += field.kind == FIELD_STRINGS || field.kind == FIELD_INTS || field.kind == FIELD_BYTES ? 2 : 1;
    }
    return words;
  }

  void Run(uint32_t slots) {
    CHECK(block->magic == PLAN_MAGIC && block->slot_count == slots && block->step_count == answers->steps);
    CHECK(block->size >= sizeof *block && block->size <= PLAN_BLOCK_LIMIT);
    uint64_t at = reinterpret_cast<uint64_t>(block->steps);
    CHECK(at % 8 == 0 && at >= kAddress + sizeof *block + slots * sizeof(int32_t));
    tables = sizeof *block + slots * sizeof(int32_t);
    uint64_t end = at;
    for (uint32_t i = 0; i < block->step_count; i++) {
      auto *head = reinterpret_cast<const step *>(At(end, sizeof(step)));
      CHECK(head->op < OP_COUNT && head->words == Size(step_shapes[head->op]));
      At(end, head->words * 8);
      end += head->words * 8;
    }
    tables = end - kAddress;  // no text or list lies in a step
    for (uint32_t i = 0; i < block->step_count; i++) {
      auto *words = reinterpret_cast<const uint64_t *>(memory + (at - kAddress));
      auto *head = reinterpret_cast<const step *>(words);
      const step_shape &shape = step_shapes[head->op];
      for (int f = 0; f < shape.field_count; f++) {
        const step_field &field = step_fields[shape.first_field + f];
        Field(field, words + field.word, slots);
      }
      Tolerated(head);
      at += head->words * 8;
    }
    CHECK(next == answers->count);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  answers = Answers{data, data + size};
  uint32_t slots = answers.Take() * 2;
  answers.slots = slots;
  Block block{
      reinterpret_cast<napi_env>(&answers), memory, sizeof memory, kAddress, 0, "containerSteps", 0, false, false};
  DecodeInto(block, answers.Root(), slots);
  CHECK(block.failed == answers.thrown);
  if (block.Stopped()) return 0;  // full: written again, to memory that is larger
  Checker{reinterpret_cast<const plan_block *>(memory), &answers}.Run(slots);
  return 0;
}
