// An addon for tests: one function for each Node-API function that the project uses. cases.ts calls them all, on Node
// and on addon/quickjs, and the results must be equal.
#include <napi.h>

#include <string>
#include <unistd.h>
#include <vector>

using Napi::CallbackInfo;
using Napi::Value;

namespace {

Napi::Reference<Napi::Value> kept;

Value Write(const CallbackInfo &info) {
  const std::string text = info[1].As<Napi::String>();
  return Napi::Number::New(
      info.Env(), static_cast<double>(write(info[0].As<Napi::Number>().Int32Value(), text.data(), text.size())));
}

Value TypeOf(const CallbackInfo &info) {
  return Napi::Number::New(info.Env(), info[0].Type());
}

Value Count(const CallbackInfo &info) {
  return Napi::Number::New(info.Env(), static_cast<double>(info.Length()));
}

Value TextBytes(const CallbackInfo &info) {
  const std::string text = info[0].As<Napi::String>();
  return Napi::Buffer<char>::Copy(info.Env(), text.data(), text.size());
}

Value TextFromBytes(const CallbackInfo &info) {
  auto bytes = info[0].As<Napi::Uint8Array>();
  return Napi::String::New(info.Env(), reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength());
}

// Copies as many bytes as fit, whole characters only.
Value TextCut(const CallbackInfo &info) {
  std::vector<char> buffer(info[1].As<Napi::Number>().Uint32Value());
  size_t length;
  napi_get_value_string_utf8(info.Env(), info[0], buffer.data(), buffer.size(), &length);
  return Napi::Buffer<char>::Copy(info.Env(), buffer.data(), length);
}

Value Numbers(const CallbackInfo &info) {
  auto number = info[0].As<Napi::Number>();
  auto list = Napi::Array::New(info.Env());
  list[0u] = Napi::Number::New(info.Env(), number.DoubleValue());
  list[1u] = Napi::Number::New(info.Env(), number.Int32Value());
  list[2u] = Napi::Number::New(info.Env(), number.Uint32Value());
  list[3u] = Napi::BigInt::New(info.Env(), number.Int64Value());
  return list;
}

Value BigInts(const CallbackInfo &info) {
  auto big = info[0].As<Napi::BigInt>();
  bool is_int64, is_uint64;
  const int64_t signed_value = big.Int64Value(&is_int64);
  const uint64_t unsigned_value = big.Uint64Value(&is_uint64);
  auto list = Napi::Array::New(info.Env());
  list[0u] = Napi::BigInt::New(info.Env(), signed_value);
  list[1u] = Napi::Boolean::New(info.Env(), is_int64);
  list[2u] = Napi::BigInt::New(info.Env(), unsigned_value);
  list[3u] = Napi::Boolean::New(info.Env(), is_uint64);
  return list;
}

Value Keys(const CallbackInfo &info) {
  return info[0].As<Napi::Object>().GetPropertyNames();
}

Value Properties(const CallbackInfo &info) {
  auto object = info[0].As<Napi::Object>();
  auto list = Napi::Array::New(info.Env());
  list[0u] = object.Get(info[1]);
  list[1u] = Napi::Boolean::New(info.Env(), object.Has(info[1]));
  list[2u] = Napi::Boolean::New(info.Env(), object.HasOwnProperty(info[1]));
  list[3u] = object.Get("named");
  list[4u] = Napi::Boolean::New(info.Env(), object.Has("named"));
  return list;
}

Value Delete(const CallbackInfo &info) {
  return Napi::Boolean::New(info.Env(), info[0].As<Napi::Object>().Delete(info[1]));
}

Value Sum(const CallbackInfo &info) {
  auto list = info[0].As<Napi::Array>();
  double sum = 0;
  for (uint32_t i = 0; i < list.Length(); i++) sum += list.Get(i).As<Napi::Number>().DoubleValue();
  return Napi::Number::New(info.Env(), sum);
}

Value Bytes(const CallbackInfo &info) {
  auto view = info[0].As<Napi::TypedArray>();
  auto list = Napi::Array::New(info.Env());
  list[0u] = Napi::Number::New(info.Env(), view.TypedArrayType());
  list[1u] = Napi::Number::New(info.Env(), static_cast<double>(view.ElementLength()));
  list[2u] = Napi::Number::New(info.Env(), static_cast<double>(view.ByteOffset()));
  list[3u] = Napi::Number::New(info.Env(), static_cast<double>(view.ByteLength()));
  list[4u] = Napi::Number::New(info.Env(), static_cast<double>(view.ArrayBuffer().ByteLength()));
  list[5u] = Napi::Boolean::New(info.Env(), info[0].IsBuffer());
  return list;
}

Value Kinds(const CallbackInfo &info) {
  auto list = Napi::Array::New(info.Env());
  list[0u] = Napi::Boolean::New(info.Env(), info[0].IsArray());
  list[1u] = Napi::Boolean::New(info.Env(), info[0].IsArrayBuffer());
  list[2u] = Napi::Boolean::New(info.Env(), info[0].IsTypedArray());
  list[3u] = Napi::Boolean::New(info.Env(), info[0].IsDataView());
  list[4u] = Napi::Boolean::New(info.Env(), info[0].IsFunction());
  return list;
}

Value MakeBytes(const CallbackInfo &info) {
  auto buffer = Napi::ArrayBuffer::New(info.Env(), 8);
  auto *bytes = static_cast<uint8_t *>(buffer.Data());
  for (uint8_t i = 0; i < 8; i++) bytes[i] = i;
  return Napi::Uint16Array::New(info.Env(), 3, buffer, 2);
}

Value Call(const CallbackInfo &info) {
  return info[0].As<Napi::Function>().Call(info[1], {info[2], info[3]});
}

// Returns the message of what the function throws, and clears the exception.
Value Catch(const CallbackInfo &info) {
  info[0].As<Napi::Function>().Call({});
  if (!info.Env().IsExceptionPending()) return info.Env().Null();
  return info.Env().GetAndClearPendingException().Value().Get("message");
}

Value Throw(const CallbackInfo &info) {
  const std::string message = info[1].As<Napi::String>();
  switch (info[0].As<Napi::Number>().Int32Value()) {
  case 0: {
    auto error = Napi::Error::New(info.Env(), message);
    error.Set("code", Napi::String::New(info.Env(), "ENOENT"));
    error.Set("errno", Napi::Number::New(info.Env(), 2));
    error.ThrowAsJavaScriptException();
    break;
  }
  case 1:
    Napi::TypeError::New(info.Env(), message).ThrowAsJavaScriptException();
    break;
  case 2:
    Napi::RangeError::New(info.Env(), message).ThrowAsJavaScriptException();
    break;
  default:
    napi_throw_error(info.Env(), "ECODE", message.c_str());
  }
  return info.Env().Undefined();
}

Value External(const CallbackInfo &info) {
  static int target = 7;
  return Napi::External<int>::New(info.Env(), &target);
}

Value FromExternal(const CallbackInfo &info) {
  return Napi::Number::New(info.Env(), *info[0].As<Napi::External<int>>().Data());
}

Value Keep(const CallbackInfo &info) {
  kept = Napi::Reference<Napi::Value>::New(info[0], 1);
  return info.Env().Undefined();
}

Value Kept(const CallbackInfo &) {
  return kept.Value();
}

Value Equal(const CallbackInfo &info) {
  return Napi::Boolean::New(info.Env(), info[0].StrictEquals(info[1]));
}

// Creates thousands of handles in one call, then thousands of scopes, then a value that escapes a scope.
Value Handles(const CallbackInfo &info) {
  double sum = 0;
  for (int i = 0; i < 5000; i++) sum += Napi::Number::New(info.Env(), i).DoubleValue();
  for (int i = 0; i < 5000; i++) {
    Napi::HandleScope scope(info.Env());
    sum += Napi::Object::New(info.Env()).GetPropertyNames().Length();
  }
  Napi::EscapableHandleScope scope(info.Env());
  return scope.Escape(napi_value(Napi::Number::New(info.Env(), sum)));
}

Value Instance(const CallbackInfo &info) {
  return Napi::Number::New(info.Env(), *info.Env().GetInstanceData<int>());
}

Value Coerce(const CallbackInfo &info) {
  auto list = Napi::Array::New(info.Env(), 3);
  list[0u] = info[0].ToString();
  list[1u] = info[0].ToBoolean();
  list[2u] = info[0].ToNumber();
  return list;
}

template <Value (*function)(const CallbackInfo &)> void Add(Napi::Object exports, const char *name) {
  exports.Set(name, Napi::Function::New<function>(exports.Env(), name));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData<int>(new int(42));
  Add<Write>(exports, "write");
  Add<TypeOf>(exports, "typeOf");
  Add<Count>(exports, "count");
  Add<TextBytes>(exports, "textBytes");
  Add<TextFromBytes>(exports, "textFromBytes");
  Add<TextCut>(exports, "textCut");
  Add<Numbers>(exports, "numbers");
  Add<BigInts>(exports, "bigInts");
  Add<Keys>(exports, "keys");
  Add<Properties>(exports, "properties");
  Add<Delete>(exports, "delete");
  Add<Sum>(exports, "sum");
  Add<Bytes>(exports, "bytes");
  Add<Kinds>(exports, "kinds");
  Add<MakeBytes>(exports, "makeBytes");
  Add<Call>(exports, "call");
  Add<Catch>(exports, "catch");
  Add<Throw>(exports, "throw");
  Add<External>(exports, "external");
  Add<FromExternal>(exports, "fromExternal");
  Add<Keep>(exports, "keep");
  Add<Kept>(exports, "kept");
  Add<Equal>(exports, "equal");
  Add<Handles>(exports, "handles");
  Add<Instance>(exports, "instance");
  Add<Coerce>(exports, "coerce");
  return exports;
}

}  // namespace

NODE_API_MODULE(probe, Init)
