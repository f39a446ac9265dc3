// Node-API on QuickJS: errors and exceptions. A pending exception is QuickJS's own; a native function that returns
// while one is pending throws it (napi_functions.c).
#include "embed.h"

#include <string.h>
#include <unistd.h>

static const char *const MESSAGES[] = {
    [napi_ok] = NULL,
    [napi_invalid_arg] = "Invalid argument",
    [napi_object_expected] = "An object was expected",
    [napi_string_expected] = "A string was expected",
    [napi_name_expected] = "A string or symbol was expected",
    [napi_function_expected] = "A function was expected",
    [napi_number_expected] = "A number was expected",
    [napi_boolean_expected] = "A boolean was expected",
    [napi_array_expected] = "An array was expected",
    [napi_generic_failure] = "Unknown failure",
    [napi_pending_exception] = "An exception is pending",
    [napi_bigint_expected] = "A bigint was expected",
    [napi_arraybuffer_expected] = "An arraybuffer was expected",
};

napi_status napi_get_last_error_info(node_api_basic_env basic_env, const napi_extended_error_info **result) {
  napi_env env = (napi_env)basic_env;
  size_t code = env->last_error.error_code;
  env->last_error.error_message = code < sizeof MESSAGES / sizeof *MESSAGES ? MESSAGES[code] : NULL;
  *result = &env->last_error;
  return napi_ok;  // not through status(): the information is about the previous call
}

static void define(JSContext *context, JSValueConst error, const char *name, napi_value value, int enumerable) {
  int flags = JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE | enumerable;
  JS_DefinePropertyValueStr(context, error, name, JS_DupValue(context, value_of(value)), flags);
}

static napi_status finish(napi_env env, JSValue error, napi_value code, napi_value message, napi_value *result) {
  if (!JS_IsString(value_of(message))) return status(env, napi_string_expected);
  define(env->context, error, "message", message, 0);
  if (code) define(env->context, error, "code", code, JS_PROP_ENUMERABLE);
  return give(env, error, result);
}

// QuickJS's API creates these two kinds of error only by throwing them.
static JSValue caught(JSContext *context, JSValue thrown) {
  (void)thrown;
  return JS_GetException(context);
}

napi_status napi_create_error(napi_env env, napi_value code, napi_value message, napi_value *result) {
  return finish(env, JS_NewError(env->context), code, message, result);
}

napi_status napi_create_type_error(napi_env env, napi_value code, napi_value message, napi_value *result) {
  return finish(env, caught(env->context, JS_ThrowTypeError(env->context, "%s", "")), code, message, result);
}

napi_status napi_create_range_error(napi_env env, napi_value code, napi_value message, napi_value *result) {
  return finish(env, caught(env->context, JS_ThrowRangeError(env->context, "%s", "")), code, message, result);
}

napi_status napi_throw(napi_env env, napi_value error) {
  if (JS_HasException(env->context)) return status(env, napi_pending_exception);
  JS_Throw(env->context, JS_DupValue(env->context, value_of(error)));
  return status(env, napi_ok);
}

typedef napi_status create_error(napi_env env, napi_value code, napi_value message, napi_value *result);

static napi_status throw_new(napi_env env, create_error *create, const char *code, const char *message) {
  napi_value text, name = NULL, error;
  if (JS_HasException(env->context)) return status(env, napi_pending_exception);
  napi_status made = napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text);
  if (made == napi_ok && code) made = napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &name);
  if (made == napi_ok) made = create(env, name, text, &error);
  return made == napi_ok ? napi_throw(env, error) : made;
}

napi_status napi_throw_error(napi_env env, const char *code, const char *message) {
  return throw_new(env, napi_create_error, code, message);
}

napi_status napi_throw_type_error(napi_env env, const char *code, const char *message) {
  return throw_new(env, napi_create_type_error, code, message);
}

napi_status napi_throw_range_error(napi_env env, const char *code, const char *message) {
  return throw_new(env, napi_create_range_error, code, message);
}

napi_status napi_is_error(napi_env env, napi_value value, bool *result) {
  *result = JS_IsError(env->context, value_of(value));
  return status(env, napi_ok);
}

napi_status napi_is_exception_pending(napi_env env, bool *result) {
  *result = JS_HasException(env->context);
  return status(env, napi_ok);
}

napi_status napi_get_and_clear_last_exception(napi_env env, napi_value *result) {
  if (!JS_HasException(env->context)) return napi_get_undefined(env, result);
  return give(env, JS_GetException(env->context), result);
}

static void put(const char *text, size_t length) {
  if (length == NAPI_AUTO_LENGTH) length = text ? strlen(text) : 0;
  if (write(STDERR_FILENO, text, length) < 0) return;
}

void napi_fatal_error(const char *location, size_t location_length, const char *message, size_t message_length) {
  put("runt: internal error: ", NAPI_AUTO_LENGTH);
  put(location, location_length);
  put(": ", NAPI_AUTO_LENGTH);
  put(message, message_length);
  put("\n", 1);
  _exit(70);
}
