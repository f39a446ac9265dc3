// Functions about this process (environment, standard streams) and the host, as src/native.ts declares them: see
// binding.h.
#include <napi.h>

#include "arguments.h"
#include "binding.h"
#include "capture.h"
#include "cleanup.h"
#include "deadline.h"
#include "probe.h"
#include "supervise.h"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <unistd.h>

using Napi::Env;
using Napi::Value;

namespace {

constexpr uint32_t kProgramWords = 64;

Value ProgramName(const Call &info) {
  return Napi::String::New(info.Env(), program_invocation_name);
}

Value EnvironmentVariable(const Call &info) {
  const char *value = getenv(info.Text(0).c_str());
  return value == nullptr ? info.Env().Undefined() : Napi::String::New(info.Env(), value);
}

Value Cwd(const Call &info) {
  char path[PATH_MAX];
  if (getcwd(path, sizeof path) == nullptr) return Throw(info.Env(), errno, "getcwd");
  return Napi::String::New(info.Env(), path);
}

Value Pid(const Call &info) {
  return Napi::Number::New(info.Env(), getpid());
}

Value Euid(const Call &info) {
  return Napi::Number::New(info.Env(), geteuid());
}

Value Now(const Call &info) {
  timespec now;
  tm utc;
  char text[40];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(text + length, sizeof text - length, ".%09ldZ", now.tv_nsec);
  return Napi::String::New(info.Env(), text);
}

Value Uptime(const Call &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(clock_milliseconds()));
}

Value Sleep(const Call &info) {
  int milliseconds = info.Int(0);
  timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, nullptr);
  return info.Env().Undefined();
}

Value IsTerminal(const Call &info) {
  return Napi::Boolean::New(info.Env(), isatty(info.Int(0)) == 1);
}

Value TerminalSize(const Call &info) {
  Env env = info.Env();
  int columns, rows;
  if (terminal_size(&columns, &rows) < 0) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("columns", Napi::Number::New(env, columns));
  object.Set("rows", Napi::Number::New(env, rows));
  return object;
}

Value Probe(const Call &info) {
  Env env = info.Env();
  struct host_probe probe __attribute__((cleanup(host_probe_free)));
  int error = host_probe(&probe);
  if (error < 0) return Throw(env, error, "probe");
  Napi::Object object = Napi::Object::New(env);
  object.Set("machine", static_cast<const char *>(probe.machine));
  object.Set("kernel", static_cast<const char *>(probe.kernel));
  object.Set("euid", Napi::Number::New(env, probe.euid));
  object.Set("egid", Napi::Number::New(env, probe.egid));
  object.Set("boundingSet", Napi::BigInt::New(env, probe.bounding_set));
  object.Set("cgroupMounts", Names(env, probe.cgroup_mounts));
  object.Set("ownCgroups", String(env, probe.own_cgroups.data, probe.own_cgroups.length));
  object.Set("unifiedControllers", String(env, probe.unified_controllers.data, probe.unified_controllers.length));
  object.Set("apparmor", Napi::Boolean::New(env, probe.apparmor != 0));
  object.Set("selinux", Napi::Boolean::New(env, probe.selinux != 0));
  object.Set("inUserNamespace", Napi::Boolean::New(env, probe.in_user_namespace != 0));
  object.Set("ownsMounts", Napi::Boolean::New(env, probe.owns_mounts != 0));
  return object;
}

Value RunProgram(const Call &info) {
  Env env = info.Env();
  uint32_t count = 0;
  napi_get_array_length(env, info.Value(0), &count);
  if (count == 0) return info.Refuse("argv", "must not be empty");
  if (count > kProgramWords) return Throw(env, E2BIG, "execve");
  std::string texts[kProgramWords];
  char *argv[kProgramWords + 1] = {};
  for (uint32_t i = 0; i < count; i++) {
    napi_value word;
    if (napi_get_element(env, info.Value(0), i, &word) != napi_ok) return Value();  // a getter has thrown
    if (!info.ReadPart(word, Path("argv"), &texts[i], nullptr)) return Value();
    argv[i] = texts[i].data();
  }
  text output;
  int status = program_capture(argv, &output);
  AUTO_FREE char *data = output.data;
  if (status < 0) return Throw(env, status, "execve", argv[0]);
  Napi::Object object = Napi::Object::New(env);
  object.Set("status", Napi::Number::New(env, status));
  object.Set("output", String(env, data, output.length));
  return object;
}

constexpr Signature kFunctions[] = {
    {"programName", ProgramName, {}},
    {"env", EnvironmentVariable, {Path("name")}},
    {"cwd", Cwd, {}},
    {"pid", Pid, {}},
    {"euid", Euid, {}},
    {"now", Now, {}},
    {"uptime", Uptime, {}},
    {"sleep", Sleep, {kWithin}},
    {"isTerminal", IsTerminal, {kDescriptor}},
    {"terminalSize", TerminalSize, {}},
    {"probe", Probe, {}},
    {"runProgram", RunProgram, {List("argv")}},
};

}  // namespace

void AddCommandFunctions(Env env, Napi::Object exports) {
  AddFunctions(env, exports, kFunctions);
}
