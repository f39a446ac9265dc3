// Node-API on QuickJS: objects, arrays, externals.
#include "embed.h"

#include <stdlib.h>

#ifndef RUNT_SANITIZE
#include "arena.h"
#else
#define IN_SNAPSHOT
#endif

// Atoms of names that are constants of the program, by address: decoding a plan reads the same few names hundreds of
// times, and a name lookup costs half of a property access. Other text may change, so its atoms are not cached.
enum { NAMES = 256 };
static IN_SNAPSHOT struct {
  const char *name;
  JSAtom atom;
} names[NAMES] = {0};

// The bounds of the read-only part of the program, from the linker.
extern const char __executable_start[], __init_array_start[];

static JSAtom atom_of(napi_env env, const char *name) {
  if (name < __executable_start || name >= __init_array_start) return JS_NewAtom(env->context, name);
  size_t slot = ((uintptr_t)name * 0x9E3779B97F4A7C15u) >> 56;
  if (names[slot].name != name) {
    names[slot].atom = JS_NewAtom(env->context, name);
    names[slot].name = name;
  }
  return JS_DupAtom(env->context, names[slot].atom);
}

// Property access may run JavaScript (getters) and so may throw: with an exception pending, do nothing.
static napi_status ready(napi_env env, napi_value object) {
  if (JS_HasException(env->context)) return status(env, napi_pending_exception);
  return status(env, JS_IsObject(value_of(object)) ? napi_ok : napi_object_expected);
}

static napi_status outcome(napi_env env, int returned, bool *result) {
  if (returned < 0) return status(env, napi_pending_exception);
  if (result) *result = returned;
  return status(env, napi_ok);
}

napi_status napi_create_object(napi_env env, napi_value *result) {
  return give(env, JS_NewObject(env->context), result);
}

napi_status napi_create_array(napi_env env, napi_value *result) {
  return give(env, JS_NewArray(env->context), result);
}

napi_status napi_create_array_with_length(napi_env env, size_t length, napi_value *result) {
  JSValue array = JS_NewArray(env->context);
  JS_SetPropertyStr(env->context, array, "length", JS_NewInt64(env->context, (int64_t)length));
  return give(env, array, result);
}

napi_status napi_is_array(napi_env env, napi_value value, bool *result) {
  return outcome(env, JS_IsArray(env->context, value_of(value)), result);
}

napi_status napi_get_array_length(napi_env env, napi_value array, uint32_t *result) {
  if (JS_IsArray(env->context, value_of(array)) != 1) return status(env, napi_array_expected);
  JSValue length = JS_GetPropertyStr(env->context, value_of(array), "length");
  JS_ToUint32(env->context, result, length);
  return status(env, napi_ok);
}

napi_status napi_get_element(napi_env env, napi_value object, uint32_t index, napi_value *result) {
  napi_status may = ready(env, object);
  return may == napi_ok ? give(env, JS_GetPropertyUint32(env->context, value_of(object), index), result) : may;
}

napi_status napi_set_element(napi_env env, napi_value object, uint32_t index, napi_value value) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSValue owned = JS_DupValue(env->context, value_of(value));
  return outcome(env, JS_SetPropertyUint32(env->context, value_of(object), index, owned), NULL);
}

napi_status napi_has_element(napi_env env, napi_value object, uint32_t index, bool *result) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSAtom key = JS_NewAtomUInt32(env->context, index);
  int has = JS_HasProperty(env->context, value_of(object), key);
  JS_FreeAtom(env->context, key);
  return outcome(env, has, result);
}

napi_status napi_get_named_property(napi_env env, napi_value object, const char *name, napi_value *result) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSAtom key = atom_of(env, name);
  JSValue value = JS_GetProperty(env->context, value_of(object), key);
  JS_FreeAtom(env->context, key);
  return give(env, value, result);
}

napi_status napi_set_named_property(napi_env env, napi_value object, const char *name, napi_value value) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSAtom key = atom_of(env, name);
  int set = JS_SetProperty(env->context, value_of(object), key, JS_DupValue(env->context, value_of(value)));
  JS_FreeAtom(env->context, key);
  return outcome(env, set, NULL);
}

napi_status napi_has_named_property(napi_env env, napi_value object, const char *name, bool *result) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSAtom key = atom_of(env, name);
  int has = JS_HasProperty(env->context, value_of(object), key);
  JS_FreeAtom(env->context, key);
  return outcome(env, has, result);
}

napi_status napi_get_property(napi_env env, napi_value object, napi_value key, napi_value *result) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  JSValue value = JS_GetProperty(env->context, value_of(object), atom);
  JS_FreeAtom(env->context, atom);
  return give(env, value, result);
}

napi_status napi_set_property(napi_env env, napi_value object, napi_value key, napi_value value) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  int set = JS_SetProperty(env->context, value_of(object), atom, JS_DupValue(env->context, value_of(value)));
  JS_FreeAtom(env->context, atom);
  return outcome(env, set, NULL);
}

napi_status napi_has_property(napi_env env, napi_value object, napi_value key, bool *result) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  int has = JS_HasProperty(env->context, value_of(object), atom);
  JS_FreeAtom(env->context, atom);
  return outcome(env, has, result);
}

napi_status napi_has_own_property(napi_env env, napi_value object, napi_value key, bool *result) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  if (!JS_IsString(value_of(key)) && !JS_IsSymbol(value_of(key))) return status(env, napi_name_expected);
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  int has = JS_GetOwnProperty(env->context, NULL, value_of(object), atom);
  JS_FreeAtom(env->context, atom);
  return outcome(env, has, result);
}

napi_status napi_delete_property(napi_env env, napi_value object, napi_value key, bool *result) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  int deleted = JS_DeleteProperty(env->context, value_of(object), atom, 0);
  JS_FreeAtom(env->context, atom);
  return outcome(env, deleted, result);
}

// Returns own enumerable string keys, in order. Node also returns enumerable keys of prototypes; plain data has none.
napi_status napi_get_property_names(napi_env env, napi_value object, napi_value *result) {
  napi_status may = ready(env, object);
  if (may != napi_ok) return may;
  JSContext *context = env->context;
  JSPropertyEnum *keys;
  uint32_t count;
  int flags = JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY;
  if (JS_GetOwnPropertyNames(context, &keys, &count, value_of(object), flags) < 0)
    return status(env, napi_pending_exception);
  JSValue names = JS_NewArray(context);
  for (uint32_t i = 0; i < count; i++) {
    JS_SetPropertyUint32(context, names, i, JS_AtomToString(context, keys[i].atom));
    JS_FreeAtom(context, keys[i].atom);
  }
  js_free(context, keys);
  return give(env, names, result);
}

napi_status napi_create_external(napi_env env, void *data, napi_finalize finalize, void *hint, napi_value *result) {
  (void)finalize;
  (void)hint;
  JSValue external = JS_NewObjectProtoClass(env->context, JS_NULL, env->external_class);
  if (!JS_IsException(external)) JS_SetOpaque(external, data);
  return give(env, external, result);
}

napi_status napi_get_value_external(napi_env env, napi_value value, void **result) {
  JSValue external = value_of(value);
  if (!JS_IsObject(external) || JS_GetClassID(external) != env->external_class) return status(env, napi_invalid_arg);
  *result = JS_GetOpaque(external, env->external_class);
  return status(env, napi_ok);
}
