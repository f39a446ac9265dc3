// Functions that launch a plan and report the outcome, as src/native.ts declares them: see binding.h.
#include <napi.h>

#include "arguments.h"
#include "binding.h"
#include "decode.h"

extern "C" {
#include "launch.h"
}

namespace {

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

// Reads a property. False if an exception is pending.
bool Property(const Call &call, napi_value object, const char *name, napi_value *value) {
  return napi_get_named_property(call.Env(), object, name, value) == napi_ok;
}

// Decodes the plan's list of that name to a block. NULL if an exception is pending.
plan_block *DecodeList(const Call &call, const char *list, uint32_t slots, int memory, uint64_t address) {
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
  plan_block *runtime = DecodeList(call, "runtimeSteps", slot_count, 0, 0);
  if (runtime != nullptr) container = DecodeList(call, "containerSteps", slot_count, 1, PLAN_ADDRESS);
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

constexpr Signature kFunctions[] = {
    {"launch", Launch, {Object("plan")}},
    {"resume", Resume, {}},
    {"abandon", Abandon, {}},
    {"start", Start, {Path("stateDirectory")}},
};

}  // namespace

void AddLaunchFunctions(Napi::Env env, Napi::Object exports) {
  AddFunctions(env, exports, kFunctions);
}
