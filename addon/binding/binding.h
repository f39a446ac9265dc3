// What the files of functions share: how they return results, and common parameters. To add a function, write it and
// add a row to the table at the end of its file.
#pragma once
#include <napi.h>

#include "arguments.h"
#include "files.h"

#include <cerrno>
#include <cstring>

inline Napi::Value String(Napi::Env env, const char *data, size_t length) {
  return Napi::String::New(env, data == nullptr ? "" : data, length);
}

// For functions without a result: `result` is 0 or -errno.
inline Napi::Value Done(Napi::Env env, int result, const char *syscall, const char *path = nullptr) {
  return result < 0 ? Throw(env, result, syscall, path) : env.Undefined();
}

// For system calls: `result` is -1 with errno set, or not.
inline Napi::Value Called(Napi::Env env, int result, const char *syscall, const char *path = nullptr) {
  return Done(env, result < 0 ? -errno : 0, syscall, path);
}

// For functions that return a number, such as a descriptor.
inline Napi::Value Number(Napi::Env env, int result, const char *syscall, const char *path = nullptr) {
  return result < 0 ? Throw(env, result, syscall, path) : Napi::Number::New(env, result);
}

// For functions that return a boolean: 1 or 0.
inline Napi::Value Answer(Napi::Env env, int result, const char *syscall, const char *path = nullptr) {
  return result < 0 ? Throw(env, result, syscall, path) : Napi::Boolean::New(env, result != 0);
}

inline Napi::Array Names(Napi::Env env, const text &names) {
  Napi::Array list = Napi::Array::New(env);
  uint32_t count = 0;
  for (size_t at = 0; at < names.length; at += strlen(names.data + at) + 1)
    list.Set(count++, Napi::String::New(env, names.data + at));
  return list;
}

// The result of `status`, also a part of that of `lookInRoot`.
Napi::Object StatusObject(Napi::Env env, const struct stat &status);

// ---- parameters ----

inline constexpr Parameter kDescriptor = Integer("fd", 0), kSocket = Integer("socket", 0),
                           kListener = Integer("listener", 0);
inline constexpr Parameter kMode = Integer("mode", 0, 07777), kSignal = Integer("signal", 0);
inline constexpr Parameter kPid = Integer("pid", 1), kStartTime = Path("startTime"), kWatch = Integer("watch", -1);
inline constexpr Parameter kPath = Path("path"), kDirectory = Path("directory");
inline constexpr Parameter kWithin = Integer("milliseconds", 0), kPatience = Integer("milliseconds", -1);

// ---- the parts of the table ----

template <size_t count> void AddFunctions(Napi::Env env, Napi::Object exports, const Signature (&functions)[count]) {
  for (const Signature &signature : functions) AddFunction(env, exports, signature);
}

void AddCommandFunctions(Napi::Env env, Napi::Object exports);
void AddFileFunctions(Napi::Env env, Napi::Object exports);
void AddProcessFunctions(Napi::Env env, Napi::Object exports);
void AddRootFunctions(Napi::Env env, Napi::Object exports);
void AddSocketFunctions(Napi::Env env, Napi::Object exports);
void AddLaunchFunctions(Napi::Env env, Napi::Object exports);
