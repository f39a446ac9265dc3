// The arguments of the addon's functions. Each function has a signature; the arguments of a call are checked and copied
// before the function runs, so that no function calls Node-API with a value of the wrong type or with an exception
// pending.
#pragma once
#include <napi.h>

#include <string>

constexpr size_t kMostParameters = 4;

struct Parameter {
  enum Kind : uint8_t { kNone, kPath, kData, kWord, kInteger, kBytes, kList, kObject };

  const char *name;
  Kind kind;
  bool optional;
  int64_t lowest, highest;  // kInteger
  const char *words;        // kWord: the words that are allowed, with a bar after each
};

// A string without a NUL: a path, a name, a start time.
constexpr Parameter Path(const char *name) {
  return {name, Parameter::kPath, false, 0, 0, nullptr};
}

// Any string.
constexpr Parameter Data(const char *name) {
  return {name, Parameter::kData, false, 0, 0, nullptr};
}

constexpr Parameter Word(const char *name, const char *words) {
  return {name, Parameter::kWord, false, 0, 0, words};
}

constexpr Parameter Integer(const char *name, int64_t lowest, int64_t highest = INT32_MAX) {
  return {name, Parameter::kInteger, false, lowest, highest, nullptr};
}

// A Uint8Array.
constexpr Parameter Bytes(const char *name) {
  return {name, Parameter::kBytes, false, 0, 0, nullptr};
}

constexpr Parameter List(const char *name) {
  return {name, Parameter::kList, false, 0, 0, nullptr};
}

// An object whose properties the function itself checks.
constexpr Parameter Object(const char *name) {
  return {name, Parameter::kObject, false, 0, 0, nullptr};
}

constexpr Parameter Optional(Parameter parameter) {
  parameter.optional = true;
  return parameter;
}

class Call;

struct Signature {
  const char *name;
  Napi::Value (*function)(const Call &call);
  Parameter parameters[kMostParameters];
};

// One call, with its arguments checked against the signature.
class Call {
public:
  Call(napi_env env, const Signature &signature) : env_(env), signature_(signature) {
  }

  // False if an exception is pending.
  bool Read(napi_callback_info info);

  Napi::Env Env() const {
    return env_;
  }
  bool Has(size_t index) const {
    return arguments_[index].given;
  }
  const std::string &Text(size_t index) const {
    return arguments_[index].text;
  }
  int64_t Number(size_t index) const {
    return arguments_[index].number;
  }
  int Int(size_t index) const {
    return static_cast<int>(arguments_[index].number);
  }
  // The memory of a Uint8Array.
  uint8_t *Memory(size_t index) const {
    return arguments_[index].memory;
  }
  size_t Length(size_t index) const {
    return arguments_[index].length;
  }
  napi_value Value(size_t index) const {
    return arguments_[index].value;
  }

  // Throws a TypeError: `what` (an argument, or a part of one) has `problem`.
  Napi::Value Refuse(const char *what, const char *problem) const;
  // Checks an item or a property of an argument against the parameter. False if an exception is pending.
  bool ReadPart(napi_value value, const Parameter &parameter, std::string *text, int64_t *number) const;

private:
  struct Argument {
    std::string text;
    int64_t number = 0;
    uint8_t *memory = nullptr;
    size_t length = 0;
    napi_value value = nullptr;
    bool given = false;
  };

  bool ReadArgument(napi_value value, const Parameter &parameter, Argument *argument) const;

  napi_env env_;
  const Signature &signature_;
  Argument arguments_[kMostParameters];
};

// Adds the function of the signature to `exports`. The signature must stay in memory.
void AddFunction(Napi::Env env, Napi::Object exports, const Signature &signature);

// Throws a NativeError (native.ts). `error` is an errno or its negative.
Napi::Value Throw(Napi::Env env, int error, const char *syscall, const char *path = nullptr);
