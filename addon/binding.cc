// Placeholder until the addon's functions are in: enough for the build to run from end to end.
#include <napi.h>
#include <unistd.h>

static Napi::Value Version(const Napi::CallbackInfo &info) {
  return Napi::String::New(info.Env(), "0.1.0");
}

static Napi::Value Write(const Napi::CallbackInfo &info) {
  const std::string text = info[1].As<Napi::String>().Utf8Value();
  const ssize_t written = write(info[0].As<Napi::Number>().Int32Value(), text.data(), text.size());
  return Napi::Number::New(info.Env(), static_cast<double>(written));
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("version", Napi::Function::New<Version>(env, "version"));
  exports.Set("write", Napi::Function::New<Write>(env, "write"));
  return exports;
}

NODE_API_MODULE(runt, Init)
