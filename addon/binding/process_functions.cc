// Functions on processes and cgroups: status, signals and waiting, as src/native.ts declares them: see binding.h.
#include <napi.h>

#include "arguments.h"
#include "binding.h"
#include "cgroups.h"
#include "events.h"
#include "process.h"
#include "signals.h"
#include "supervise.h"

#include <csignal>
#include <sys/prctl.h>

using Napi::Env;
using Napi::Value;

namespace {

Value ProcessStatus(const Call &info) {
  Env env = info.Env();
  struct process_status status;
  int found = process_status(info.Int(0), &status);
  if (found < 0) return Throw(env, found, "read", "/proc/PID/stat");
  if (found == 0) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("startTime", static_cast<const char *>(status.start_time));
  object.Set("state", String(env, &status.state, 1));
  object.Set("comm", static_cast<const char *>(status.comm));
  object.Set("parent", Napi::Number::New(env, status.parent));
  return object;
}

Value Signal(const Call &info) {
  int sent = process_signal(info.Int(0), info.Text(1).c_str(), info.Int(2));
  return Answer(info.Env(), sent, "pidfd_send_signal");
}

Value WaitForExit(const Call &info) {
  int ended = process_wait(info.Int(0), info.Text(1).c_str(), info.Int(2));
  return Answer(info.Env(), ended, "poll");
}

Value SignalCgroup(const Call &info) {
  const std::string &directory = info.Text(0);
  return Number(info.Env(), cgroup_signal(directory.c_str(), info.Int(1)), "kill", directory.c_str());
}

Value DestroyCgroup(const Call &info) {
  const std::string &directory = info.Text(0);
  return Answer(info.Env(), cgroup_remove(directory.c_str(), SIGKILL, info.Int(1)), "rmdir", directory.c_str());
}

Value RemoveCgroup(const Call &info) {
  const std::string &directory = info.Text(0);
  return Answer(info.Env(), cgroup_remove(directory.c_str(), 0, info.Int(1)), "rmdir", directory.c_str());
}

Value BecomeSubreaper(const Call &info) {
  return Called(info.Env(), prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl");
}

Value HoldSignals(const Call &info) {
  return Done(info.Env(), signals_hold(), "sigaction");
}

Value Supervise(const Call &info) {
  return Number(info.Env(), supervise(info.Int(0), info.Int(1), info.Int(2)), "waitpid");
}

Value Reap(const Call &info) {
  return Number(info.Env(), process_reap(info.Int(0)), "waitpid");
}

Value WatchEvents(const Call &info) {
  const std::string &file = info.Text(0);
  int watch = events_watch(file.c_str(), info.Text(1).empty() ? nullptr : info.Text(1).c_str());
  return Number(info.Env(), watch, "watch", file.c_str());
}

Value WaitForEvent(const Call &info) {
  int end = events_wait(info.Int(0), info.Int(1), info.Text(2).c_str(), info.Int(3));
  if (end < 0) return Throw(info.Env(), end, "poll");
  const char *word = end == EVENTS_HAPPENED ? "event" : end == EVENTS_ENDED ? "ended" : "timeout";
  return Napi::String::New(info.Env(), word);
}

constexpr Signature kFunctions[] = {
    {"processStatus", ProcessStatus, {Integer("pid", 0)}},
    {"signal", Signal, {kPid, kStartTime, kSignal}},
    {"waitForExit", WaitForExit, {kPid, kStartTime, kPatience}},
    {"signalCgroup", SignalCgroup, {kDirectory, kSignal}},
    {"destroyCgroup", DestroyCgroup, {kDirectory, kPatience}},
    {"removeCgroup", RemoveCgroup, {kDirectory, kPatience}},
    {"becomeSubreaper", BecomeSubreaper, {}},
    {"holdSignals", HoldSignals, {}},
    {"supervise", Supervise, {kPid, Integer("terminal", -1), kWatch}},
    {"reap", Reap, {kPid}},
    {"watchEvents", WatchEvents, {Path("file"), Optional(Path("control"))}},
    {"waitForEvent", WaitForEvent, {kWatch, kPid, kStartTime, kPatience}},
};

}  // namespace

void AddProcessFunctions(Env env, Napi::Object exports) {
  AddFunctions(env, exports, kFunctions);
}
