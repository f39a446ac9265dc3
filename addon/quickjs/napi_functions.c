// Node-API on QuickJS: native functions called from JavaScript, and JavaScript functions called from native code.
//
// A native function carries two words, the callback and its data, as short bigints: QuickJS copies such values without
// touching what they point to.
#include "embed.h"

#include <string.h>

#ifndef RUNT_SANITIZE
#include "arena.h"
#else
static int arena_failure_due(void) {
  return 0;
}
#endif

struct napi_callback_info__ {
  JSValueConst receiver;
  JSValueConst *arguments;
  size_t count;
  void *data;
};

static JSValue word(JSContext *context, const void *pointer) {
  return __JS_NewShortBigInt(context, (int64_t)(intptr_t)pointer);
}

static void *pointer_in(JSValueConst word) {
  return (void *)(intptr_t)JS_VALUE_GET_SHORT_BIG_INT(word);
}

static JSValue call_native(JSContext *context, JSValueConst receiver, int count, JSValueConst *arguments, int magic,
                           JSValue *words) {
  (void)magic;
  // A command fails at a call that would act, and then undoes what it has done: the engine and its callers may not
  // handle a failed allocation at any other place.
  if (__builtin_expect(arena_failure_due(), 0)) return JS_ThrowOutOfMemory(context);
  napi_env env = JS_GetContextOpaque(context);
  napi_callback callback = (napi_callback)pointer_in(words[0]);
  struct napi_callback_info__ info = {receiver, arguments, (size_t)count, pointer_in(words[1])};
  struct handle_mark mark = handles_mark(env);
  napi_value returned = callback(env, &info);
  JSValue result = returned ? JS_DupValue(context, value_of(returned)) : JS_UNDEFINED;
  handles_release(env, mark);
  if (!JS_HasException(context)) return result;
  JS_FreeValue(context, result);
  return JS_EXCEPTION;
}

static JSValue new_function(napi_env env, const char *name, size_t length, napi_callback callback, void *data) {
  JSContext *context = env->context;
  JSValue words[] = {word(context, (void *)(intptr_t)callback), word(context, data)};
  JSValue function = JS_NewCFunctionData(context, call_native, 0, 0, 2, words);
  if (JS_IsException(function) || !name) return function;
  if (length == NAPI_AUTO_LENGTH) length = strlen(name);
  JS_DefinePropertyValueStr(context, function, "name", JS_NewStringLen(context, name, length), JS_PROP_CONFIGURABLE);
  return function;
}

napi_status napi_create_function(napi_env env, const char *name, size_t length, napi_callback callback, void *data,
                                 napi_value *result) {
  return give(env, new_function(env, name, length, callback, data), result);
}

napi_status napi_get_cb_info(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments,
                             napi_value *receiver, void **data) {
  if (receiver) {
    napi_status given = give(env, JS_DupValue(env->context, info->receiver), receiver);
    if (given != napi_ok) return given;
  }
  for (size_t i = 0; arguments && i < *count; i++) {
    JSValue value = i < info->count ? JS_DupValue(env->context, info->arguments[i]) : JS_UNDEFINED;
    napi_status given = give(env, value, &arguments[i]);
    if (given != napi_ok) return given;
  }
  if (count) *count = info->count;
  if (data) *data = info->data;
  return status(env, napi_ok);
}

napi_status napi_get_new_target(napi_env env, napi_callback_info info, napi_value *result) {
  (void)info;
  *result = NULL;  // native functions are not constructors here
  return status(env, napi_ok);
}

napi_status napi_call_function(napi_env env, napi_value receiver, napi_value function, size_t count,
                               const napi_value *arguments, napi_value *result) {
  enum { MAX_ARGUMENTS = 16 };
  if (JS_HasException(env->context)) return status(env, napi_pending_exception);
  if (!JS_IsFunction(env->context, value_of(function))) return status(env, napi_invalid_arg);
  if (count > MAX_ARGUMENTS) return status(env, napi_invalid_arg);
  JSValue values[MAX_ARGUMENTS];
  for (size_t i = 0; i < count; i++) values[i] = value_of(arguments[i]);
  JSValue self = receiver ? value_of(receiver) : JS_UNDEFINED;
  JSValue returned = JS_Call(env->context, value_of(function), self, (int)count, values);
  if (JS_IsException(returned)) return status(env, napi_pending_exception);
  if (result) return give(env, returned, result);
  JS_FreeValue(env->context, returned);
  return status(env, napi_ok);
}

static napi_status define(napi_env env, JSValueConst object, const napi_property_descriptor *property) {
  JSContext *context = env->context;
  JSAtom key =
      property->utf8name ? JS_NewAtom(context, property->utf8name) : JS_ValueToAtom(context, value_of(property->name));
  int flags = (property->attributes & napi_enumerable ? JS_PROP_ENUMERABLE : 0) |
              (property->attributes & napi_configurable ? JS_PROP_CONFIGURABLE : 0);
  int writable = property->attributes & napi_writable ? JS_PROP_WRITABLE : 0;
  int defined;
  if (property->getter || property->setter) {
    void *data = property->data;
    JSValue get = property->getter ? new_function(env, NULL, 0, property->getter, data) : JS_UNDEFINED;
    JSValue set = property->setter ? new_function(env, NULL, 0, property->setter, data) : JS_UNDEFINED;
    defined = JS_DefinePropertyGetSet(context, object, key, get, set, flags);
  } else {
    JSValue value = property->method
                        ? new_function(env, property->utf8name, NAPI_AUTO_LENGTH, property->method, property->data)
                        : JS_DupValue(context, value_of(property->value));
    defined = JS_DefinePropertyValue(context, object, key, value, flags | writable);
  }
  JS_FreeAtom(context, key);
  return status(env, defined < 0 ? napi_pending_exception : napi_ok);
}

napi_status napi_define_properties(napi_env env, napi_value object, size_t count,
                                   const napi_property_descriptor *properties) {
  for (size_t i = 0; i < count; i++) {
    napi_status defined = define(env, value_of(object), &properties[i]);
    if (defined != napi_ok) return defined;
  }
  return status(env, napi_ok);
}
