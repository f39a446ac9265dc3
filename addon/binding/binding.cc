// Registers the functions that src/native.ts declares. Each file of functions has its own part of the table.
#include <napi.h>

#include "binding.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  AddCommandFunctions(env, exports);
  AddFileFunctions(env, exports);
  AddProcessFunctions(env, exports);
  AddRootFunctions(env, exports);
  AddSocketFunctions(env, exports);
  AddLaunchFunctions(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(runt, Init)
