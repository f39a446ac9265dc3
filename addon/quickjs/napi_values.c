// Node-API on QuickJS: primitive values. Conversions follow Node: numbers are truncated as in V8, strings as in utf8.c.
#include "embed.h"

#include <math.h>
#include <string.h>

napi_status napi_get_undefined(napi_env env, napi_value *result) {
  return give(env, JS_UNDEFINED, result);
}

napi_status napi_get_null(napi_env env, napi_value *result) {
  return give(env, JS_NULL, result);
}

napi_status napi_get_boolean(napi_env env, bool value, napi_value *result) {
  return give(env, JS_NewBool(env->context, value), result);
}

napi_status napi_get_global(napi_env env, napi_value *result) {
  return give(env, JS_GetGlobalObject(env->context), result);
}

napi_status napi_create_double(napi_env env, double value, napi_value *result) {
  return give(env, JS_NewFloat64(env->context, value), result);
}

napi_status napi_create_int32(napi_env env, int32_t value, napi_value *result) {
  return give(env, JS_NewInt32(env->context, value), result);
}

napi_status napi_create_uint32(napi_env env, uint32_t value, napi_value *result) {
  return give(env, JS_NewUint32(env->context, value), result);
}

napi_status napi_create_int64(napi_env env, int64_t value, napi_value *result) {
  return give(env, JS_NewInt64(env->context, value), result);
}

napi_status napi_create_bigint_int64(napi_env env, int64_t value, napi_value *result) {
  return give(env, JS_NewBigInt64(env->context, value), result);
}

napi_status napi_create_bigint_uint64(napi_env env, uint64_t value, napi_value *result) {
  return give(env, JS_NewBigUint64(env->context, value), result);
}

napi_status napi_create_string_utf8(napi_env env, const char *text, size_t length, napi_value *result) {
  if (length == NAPI_AUTO_LENGTH) length = strlen(text);
  return give(env, new_text(env->context, text ? text : "", length), result);
}

static int is_function(napi_env env, JSValueConst value) {
  return JS_IsFunction(env->context, value);
}

static napi_valuetype type_of(napi_env env, JSValueConst value) {
  if (JS_IsString(value)) return napi_string;
  if (JS_IsNumber(value)) return napi_number;
  if (JS_IsUndefined(value)) return napi_undefined;
  if (JS_IsNull(value)) return napi_null;
  if (JS_IsBool(value)) return napi_boolean;
  if (JS_IsBigInt(env->context, value)) return napi_bigint;
  if (JS_IsSymbol(value)) return napi_symbol;
  if (is_function(env, value)) return napi_function;
  return JS_GetClassID(value) == env->external_class ? napi_external : napi_object;
}

napi_status napi_typeof(napi_env env, napi_value value, napi_valuetype *result) {
  *result = type_of(env, value_of(value));
  return status(env, napi_ok);
}

napi_status napi_strict_equals(napi_env env, napi_value left, napi_value right, bool *result) {
  *result = JS_StrictEq(env->context, value_of(left), value_of(right));
  return status(env, napi_ok);
}

napi_status napi_get_value_bool(napi_env env, napi_value value, bool *result) {
  if (!JS_IsBool(value_of(value))) return status(env, napi_boolean_expected);
  *result = JS_VALUE_GET_BOOL(value_of(value));
  return status(env, napi_ok);
}

napi_status napi_get_value_double(napi_env env, napi_value value, double *result) {
  if (!JS_IsNumber(value_of(value))) return status(env, napi_number_expected);
  JS_ToFloat64(env->context, result, value_of(value));
  return status(env, napi_ok);
}

napi_status napi_get_value_int32(napi_env env, napi_value value, int32_t *result) {
  if (!JS_IsNumber(value_of(value))) return status(env, napi_number_expected);
  JS_ToInt32(env->context, result, value_of(value));
  return status(env, napi_ok);
}

napi_status napi_get_value_uint32(napi_env env, napi_value value, uint32_t *result) {
  return napi_get_value_int32(env, value, (int32_t *)result);
}

// Saturates, and returns 0 for non-finite values, as the Node-API documentation says.
napi_status napi_get_value_int64(napi_env env, napi_value value, int64_t *result) {
  double number;
  napi_status got = napi_get_value_double(env, value, &number);
  if (got != napi_ok) return got;
  if (!isfinite(number))
    *result = 0;
  else if (number >= 0x1p63)
    *result = INT64_MAX;
  else
    *result = number < -0x1p63 ? INT64_MIN : (int64_t)number;
  return status(env, napi_ok);
}

// The conversion wraps; converting back shows whether it did.
static napi_status bigint_bits(napi_env env, napi_value value, int64_t *result) {
  if (!JS_IsBigInt(env->context, value_of(value))) return status(env, napi_bigint_expected);
  return status(env, JS_ToBigInt64(env->context, result, value_of(value)) < 0 ? napi_pending_exception : napi_ok);
}

static bool same(napi_env env, napi_value value, JSValue converted) {
  bool equal = JS_StrictEq(env->context, value_of(value), converted);
  JS_FreeValue(env->context, converted);
  return equal;
}

napi_status napi_get_value_bigint_int64(napi_env env, napi_value value, int64_t *result, bool *lossless) {
  napi_status got = bigint_bits(env, value, result);
  if (got == napi_ok) *lossless = same(env, value, JS_NewBigInt64(env->context, *result));
  return got;
}

napi_status napi_get_value_bigint_uint64(napi_env env, napi_value value, uint64_t *result, bool *lossless) {
  napi_status got = bigint_bits(env, value, (int64_t *)result);
  if (got == napi_ok) *lossless = same(env, value, JS_NewBigUint64(env->context, *result));
  return got;
}

// Without a buffer, returns the length; with one, copies at most size - 1 bytes and a NUL.
napi_status napi_get_value_string_utf8(napi_env env, napi_value value, char *buffer, size_t size, size_t *result) {
  if (!JS_IsString(value_of(value))) return status(env, napi_string_expected);
  size_t length;
  const char *text = JS_ToCStringLen(env->context, &length, value_of(value));
  if (!text) return status(env, napi_pending_exception);
  if (buffer && size > 0) {
    length = copy_text(buffer, size - 1, text, length);
    buffer[length] = '\0';
  } else if (buffer) {
    length = 0;
  }
  JS_FreeCString(env->context, text);
  if (result) *result = length;
  return status(env, napi_ok);
}

napi_status napi_coerce_to_string(napi_env env, napi_value value, napi_value *result) {
  return give(env, JS_ToString(env->context, value_of(value)), result);
}

napi_status napi_coerce_to_bool(napi_env env, napi_value value, napi_value *result) {
  return give(env, JS_NewBool(env->context, JS_ToBool(env->context, value_of(value))), result);
}

napi_status napi_coerce_to_number(napi_env env, napi_value value, napi_value *result) {
  double number;
  if (JS_ToFloat64(env->context, &number, value_of(value)) < 0) return status(env, napi_pending_exception);
  return give(env, JS_NewFloat64(env->context, number), result);
}
