// Registers the functions that src/native.ts declares. Each file of functions has its own part of the table; the launch
// functions are in decode.cc.
#include <napi.h>

#include "binding.h"
#include "decode.h"

namespace {

constexpr Signature kLaunchFunctions[] = {
    {"launch", Launch, {Object("plan")}},
    {"resume", Resume, {}},
    {"abandon", Abandon, {}},
    {"start", Start, {Path("stateDirectory")}},
};

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  AddCommandFunctions(env, exports);
  AddFileFunctions(env, exports);
  AddProcessFunctions(env, exports);
  AddRootFunctions(env, exports);
  AddSocketFunctions(env, exports);
  AddFunctions(env, exports, kLaunchFunctions);
  return exports;
}

}  // namespace

NODE_API_MODULE(runt, Init)
