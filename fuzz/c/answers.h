// The part of Node-API that the plan decoder calls, answered from the input: a value is created when it is requested.
#pragma once
#include <cmath>
#include <cstdlib>
#include <cstring>

// One JavaScript value, and the correct result of decoding it.
struct Answer {
  enum Kind : uint8_t { kUndefined, kNumber, kBigint, kString, kList, kBytes, kObject } kind = kUndefined;
  uint8_t depth = 0;      // steps, step, property, item
  bool negative = false;  // kBigint: its sign; `bits` are the lowest 64 of its magnitude, `wide`: there are more
  bool wide = false;
  napi_typedarray_type array = napi_uint8_array;
  uint8_t item = 0;  // kList: the step_field_kind its items should have
  double number = 0;
  uint64_t bits = 0;
  const char *text = nullptr;
  uint64_t length = 0;

  uint64_t Wrapped() const {
    return negative ? -bits : bits;
  }

  // The 64-bit word for it; false if it is not an integer of 64 bits, signed or unsigned.
  bool Integer(uint64_t *word) const {
    *word = Wrapped();
    if (kind == kUndefined) return true;
    if (kind == kBigint) return !wide && (!negative || bits <= uint64_t{1} << 63);
    if (kind != kNumber || number != std::trunc(number) || !(number >= -0x1p63 && number < 0x1p64)) return false;
    *word = number < 0 ? static_cast<uint64_t>(static_cast<int64_t>(number)) : static_cast<uint64_t>(number);
    return true;
  }
};

struct Answers {
  static constexpr size_t kKept = 8192;
  const uint8_t *at, *end;
  uint32_t slots = 0;
  bool thrown = false;
  uint64_t steps = 0;
  const step_shape *shape = nullptr;
  size_t count = 0;

  static Answer *Kept();
  static Answer *Current();

  const Answer &At(size_t i) const {
    return Kept()[i];
  }

  uint8_t Take() {
    return at < end ? *at++ : 0;
  }

  uint64_t Take(int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | Take();
    return value;
  }

  napi_value Root() {
    Answer &root = Current()[0];
    uint8_t size = Take();
    root = Answer{size == 0xff ? Answer::kObject : Answer::kList};
    root.length = size < 0xf0 ? size % 12 : size < 0xf8 ? (size - 0xefu) * 8 : Take(4);
    steps = root.length;
    return Value(root);
  }

  static napi_value Value(Answer &answer) {
    return reinterpret_cast<napi_value>(&answer);
  }

  void Bytes(Answer &answer) {
    static const char filler[] = "................................................................";
    static char large[PLAN_BLOCK_LIMIT + 2];
    uint8_t size = Take();
    if (size < 0xf0) {
      uint64_t left = static_cast<uint64_t>(end - at);
      answer.length = size % 48 < left ? size % 48 : left;
      answer.text = answer.length ? reinterpret_cast<const char *>(at) : filler;
      at += answer.length;
      return;
    }
    if (large[0] == 0) memset(large, 'x', sizeof large);
    answer.text = large;
    answer.length = size == 0xff ? PLAN_BLOCK_LIMIT - Take(2) % 1024 : (size - 0xf0u) * 200 + Take();
  }

  void Number(Answer &answer) {
    static const double odd[] = {-0.0, 0.5, NAN, INFINITY, -INFINITY, 0x1p53, 0x1p63, -0x1p63, 0x1p64, -0x1.8p63};
    uint8_t form = Take();
    answer.kind = Answer::kNumber;
    if (form < 0x80)
      answer.number = form % 96 - 4.0;
    else if (form < 0xa0)
      answer.number = static_cast<int32_t>(Take(4));
    else if (form < 0xb0)
      answer.number = odd[form % 10];
    else if (form < 0xc0) {
      uint64_t bits = Take(8);
      memcpy(&answer.number, &bits, 8);
    } else {
      answer.kind = Answer::kBigint;
      answer.bits = form < 0xd0 ? (uint64_t{1} << 63) - 1 + form % 3 : Take(form % 8 + 1);
      answer.negative = form & 8 && answer.bits != 0;
      answer.wide = form > 0xfb;
    }
  }

  // A value of a kind, in most cases.
  void Fill(Answer &answer, uint8_t kind) {
    uint8_t tag = Take();
    if (tag >= 0xe8)
      kind = tag % 7;
    else if (tag >= 0xe0)
      return;
    switch (kind) {
    case FIELD_SLOT:
    case FIELD_INTO: {
      uint8_t slot = Take();
      answer.kind = Answer::kNumber;
      answer.number = slots == 0 ? -1 : slot < 0xf8 ? slot % slots : slots - 2.0 + slot % 4;
      return;
    }
    case FIELD_INT:
      return Number(answer);
    case FIELD_STRING:
      answer.kind = Answer::kString;
      return Bytes(answer);
    case FIELD_BYTES:
      answer.kind = Answer::kBytes;
      answer.array = tag > 0xd8 ? napi_uint16_array : napi_uint8_array;
      Bytes(answer);
      if (tag > 0xd0) answer.text = nullptr, answer.length = 0;  // its buffer was transferred
      return;
    default:
      answer.kind = Answer::kList;
      answer.item = kind == FIELD_STRINGS ? FIELD_STRING : FIELD_INT;
      answer.length = Take();
      answer.length = answer.length < 0xf0 ? answer.length % 24 : answer.length < 0xf8 ? Take(2) : Take(4);
    }
  }

  void Keep(const Answer &answer) {
    if (count < kKept) Kept()[count++] = answer;
  }

  // The requested value; nullptr: the getter throws.
  Answer *Ask(const Answer &of, uint8_t kind) {
    if (thrown) return nullptr;
    if (at < end && *at == 0xfe) {
      thrown = true;
      return nullptr;
    }
    Answer &answer = Current()[of.depth + 1];
    answer = Answer{};
    answer.depth = of.depth + 1;
    if (of.depth == 0)
      answer.kind = Answer::kObject;
    else
      Fill(answer, kind);
    if (of.depth > 0) Keep(answer);
    return &answer;
  }

  // The name of an operation, or something else.
  Answer *Op(const Answer &of) {
    uint8_t op = Take();
    Answer &answer = Current()[of.depth + 1];
    answer = Answer{};
    answer.depth = of.depth + 1;
    if (op >= 0xf0) {
      Fill(answer, FIELD_STRING);
      return &answer;
    }
    shape = &step_shapes[op % OP_COUNT];
    answer.kind = Answer::kString;
    answer.text = shape->op;
    answer.length = strlen(shape->op);
    return &answer;
  }
};
