// The functions of Node-API that the plan decoder calls, implemented on the values of answers.h.
#pragma once
#include "answers.h"

static Answers answers;
static Answer kept[Answers::kKept], current[4];
Answer *Answers::Kept() {
  return kept;
}
Answer *Answers::Current() {
  return current;
}

static Answer &AnswerOf(napi_value value) {
  return *reinterpret_cast<Answer *>(value);
}

extern "C" {
napi_status napi_throw_error(napi_env, const char *, const char *) {
  answers.thrown = true;
  return napi_ok;
}

napi_status napi_throw_type_error(napi_env, const char *, const char *) {
  answers.thrown = true;
  return napi_ok;
}

napi_status napi_is_exception_pending(napi_env, bool *pending) {
  *pending = answers.thrown;
  return napi_ok;
}

napi_status napi_typeof(napi_env, napi_value value, napi_valuetype *type) {
  static const napi_valuetype types[] = {napi_undefined, napi_number, napi_bigint, napi_string,
                                         napi_object,    napi_object, napi_object};
  *type = types[AnswerOf(value).kind];
  return napi_ok;
}

napi_status napi_get_named_property(napi_env, napi_value object, const char *name, napi_value *result) {
  const Answer &of = AnswerOf(object);
  Answer *answer;
  if (strcmp(name, "op") == 0) {
    answer = answers.Op(of);
  } else {
    uint8_t kind = FIELD_INTS;  // tolerate
    for (int i = 0; answers.shape && i < answers.shape->field_count; i++) {
      const step_field &field = step_fields[answers.shape->first_field + i];
      if (field.name == name || strcmp(field.name, name) == 0) kind = field.kind;
    }
    answer = answers.Ask(of, kind);
  }
  if (answer == nullptr) return napi_pending_exception;
  *result = Answers::Value(*answer);
  return napi_ok;
}

napi_status napi_get_element(napi_env, napi_value list, uint32_t, napi_value *result) {
  Answer *answer = answers.Ask(AnswerOf(list), AnswerOf(list).item);
  if (answer == nullptr) return napi_pending_exception;
  *result = Answers::Value(*answer);
  return napi_ok;
}

napi_status napi_get_array_length(napi_env, napi_value list, uint32_t *length) {
  if (AnswerOf(list).kind != Answer::kList) return napi_array_expected;
  *length = static_cast<uint32_t>(AnswerOf(list).length);
  return napi_ok;
}

napi_status napi_get_value_double(napi_env, napi_value value, double *number) {
  if (AnswerOf(value).kind != Answer::kNumber) return napi_number_expected;
  *number = AnswerOf(value).number;
  return napi_ok;
}

napi_status napi_get_value_bigint_int64(napi_env, napi_value value, int64_t *result, bool *lossless) {
  const Answer &answer = AnswerOf(value);
  if (answer.kind != Answer::kBigint) return napi_bigint_expected;
  *result = static_cast<int64_t>(answer.Wrapped());
  *lossless = !answer.wide && (answer.negative ? answer.bits <= uint64_t{1} << 63 : answer.bits < uint64_t{1} << 63);
  return napi_ok;
}

napi_status napi_get_value_bigint_uint64(napi_env, napi_value value, uint64_t *result, bool *lossless) {
  const Answer &answer = AnswerOf(value);
  if (answer.kind != Answer::kBigint) return napi_bigint_expected;
  *result = answer.Wrapped();
  *lossless = !answer.wide && !answer.negative;
  return napi_ok;
}

napi_status napi_get_value_string_utf8(napi_env, napi_value value, char *buffer, size_t size, size_t *result) {
  const Answer &answer = AnswerOf(value);
  if (answer.kind != Answer::kString) return napi_string_expected;
  *result = 0;
  if (size == 0) return napi_ok;
  *result = answer.length < size - 1 ? answer.length : size - 1;
  memcpy(buffer, answer.text, *result);
  buffer[*result] = '\0';
  return napi_ok;
}

napi_status napi_get_typedarray_info(napi_env, napi_value value, napi_typedarray_type *type, size_t *length,
                                     void **data, napi_value *, size_t *) {
  const Answer &answer = AnswerOf(value);
  if (answer.kind != Answer::kBytes) return napi_invalid_arg;
  *type = answer.array;
  *length = answer.array == napi_uint8_array ? answer.length : answer.length / 2;
  *data = const_cast<char *>(answer.text);
  return napi_ok;
}
}
