// Checks and copies arguments: see arguments.h. A wrong argument throws a TypeError, or a RangeError for a number that
// is not an integer or out of range; the error names the function and the argument. Lone surrogates become U+FFFD, as
// in Node.
#include "arguments.h"

#include <cstring>

namespace {

// True, with the text, if the value is a string; else false.
bool ReadString(napi_env env, napi_value value, std::string *text) {
  char small[512];
  size_t length;
  if (napi_get_value_string_utf8(env, value, small, sizeof small, &length) != napi_ok) return false;
  if (length + 4 < sizeof small) {  // a longer string is cut at the end of a character
    text->assign(small, length);
    return true;
  }
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  text->resize(length);
  return napi_get_value_string_utf8(env, value, &(*text)[0], length + 1, &length) == napi_ok;
}

bool IsOneOf(const std::string &text, const char *words) {
  for (const char *end; (end = strchr(words, '|')) != nullptr; words = end + 1)
    if (text.compare(0, std::string::npos, words, static_cast<size_t>(end - words)) == 0) return true;
  return false;
}

const char *StringProblem(napi_env env, napi_value value, const Parameter &parameter, std::string *text) {
  if (!ReadString(env, value, text)) return "must be a string";
  if (parameter.kind == Parameter::kPath && text->find('\0') != std::string::npos) return "must not hold a NUL";
  if (parameter.kind == Parameter::kWord && !IsOneOf(*text, parameter.words)) return "unknown word";
  return nullptr;
}

// Sets `is_range` if the value is a number outside of the allowed ones.
const char *IntegerProblem(napi_env env, napi_value value, const Parameter &parameter, int64_t *result,
                           bool *is_range) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return "must be a number";
  *is_range = true;
  // False for NaN. Both bounds are exact as doubles.
  if (!(number >= static_cast<double>(parameter.lowest) && number <= static_cast<double>(parameter.highest)))
    return "out of range";
  *result = static_cast<int64_t>(number);
  return static_cast<double>(*result) == number ? nullptr : "must be an integer";
}

bool IsObject(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_object;
}

bool IsArray(napi_env env, napi_value value) {
  bool is_array;
  return napi_is_array(env, value, &is_array) == napi_ok && is_array;
}

bool ReadBytes(napi_env env, napi_value value, uint8_t **memory, size_t *length) {
  napi_typedarray_type type;
  void *data;
  if (napi_get_typedarray_info(env, value, &type, length, &data, nullptr, nullptr) != napi_ok) return false;
  *memory = static_cast<uint8_t *>(data);
  return type == napi_uint8_array;
}

napi_value CallFunction(napi_env env, napi_callback_info info) {
  void *data;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  const auto &signature = *static_cast<const Signature *>(data);
  Call call(env, signature);
  return call.Read(info) ? static_cast<napi_value>(signature.function(call)) : nullptr;
}

}  // namespace

bool Call::Read(napi_callback_info info) {
  napi_value values[kMostParameters];
  size_t count = kMostParameters;
  if (napi_get_cb_info(env_, info, &count, values, nullptr, nullptr) != napi_ok) return false;
  for (size_t i = 0; i < kMostParameters; i++) {
    const Parameter &parameter = signature_.parameters[i];
    if (parameter.kind == Parameter::kNone) break;
    if (!ReadArgument(values[i], parameter, &arguments_[i])) return false;
  }
  return true;
}

bool Call::ReadArgument(napi_value value, const Parameter &parameter, Argument *argument) const {
  argument->value = value;
  argument->given = true;
  const char *problem = nullptr;
  napi_valuetype type;
  if (parameter.optional && napi_typeof(env_, value, &type) == napi_ok && type == napi_undefined)
    argument->given = false;
  else if (parameter.kind == Parameter::kBytes)
    problem = ReadBytes(env_, value, &argument->memory, &argument->length) ? nullptr : "must be a Uint8Array";
  else if (parameter.kind == Parameter::kList)
    problem = IsArray(env_, value) ? nullptr : "must be an array";
  else if (parameter.kind == Parameter::kObject)
    problem = IsObject(env_, value) ? nullptr : "must be an object";
  else
    return ReadPart(value, parameter, &argument->text, &argument->number);
  if (problem != nullptr) Refuse(parameter.name, problem);
  return problem == nullptr;
}

bool Call::ReadPart(napi_value value, const Parameter &parameter, std::string *text, int64_t *number) const {
  bool is_range = false;
  const char *problem = parameter.kind == Parameter::kInteger
                            ? IntegerProblem(env_, value, parameter, number, &is_range)
                            : StringProblem(env_, value, parameter, text);
  if (problem == nullptr) return true;
  if (!is_range) {
    Refuse(parameter.name, problem);
  } else {
    std::string message = std::string(signature_.name) + ": " + parameter.name + ": " + problem;
    napi_throw_range_error(env_, nullptr, message.c_str());
  }
  return false;
}

Napi::Value Call::Refuse(const char *what, const char *problem) const {
  std::string message = std::string(signature_.name) + ": " + what + ": " + problem;
  napi_throw_type_error(env_, nullptr, message.c_str());
  return Napi::Value();
}

void AddFunction(Napi::Env env, Napi::Object exports, const Signature &signature) {
  napi_value function;
  void *data = const_cast<Signature *>(&signature);
  if (napi_create_function(env, signature.name, NAPI_AUTO_LENGTH, CallFunction, data, &function) == napi_ok)
    exports.Set(signature.name, function);
}

Napi::Value Throw(Napi::Env env, int error, const char *syscall, const char *path) {
  if (error < 0) error = -error;
  const char *name = strerrorname_np(error);
  if (name == nullptr) name = "UNKNOWN";
  std::string message = std::string(syscall) + (path != nullptr ? std::string(" ") + path : "") + ": " + name;
  Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Set("code", name);
  thrown.Set("errno", Napi::Number::New(env, error));
  thrown.Set("syscall", syscall);
  if (path != nullptr) thrown.Set("path", path);
  thrown.ThrowAsJavaScriptException();
  return env.Undefined();
}
