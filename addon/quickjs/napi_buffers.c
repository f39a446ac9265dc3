// Node-API on QuickJS: array buffers and typed arrays. A Node Buffer is a plain Uint8Array here.
#include "embed.h"

#include <string.h>

static const napi_typedarray_type TYPES[ARRAY_CLASSES] = {
    [JS_TYPED_ARRAY_UINT8C] = napi_uint8_clamped_array, [JS_TYPED_ARRAY_INT8] = napi_int8_array,
    [JS_TYPED_ARRAY_UINT8] = napi_uint8_array,          [JS_TYPED_ARRAY_INT16] = napi_int16_array,
    [JS_TYPED_ARRAY_UINT16] = napi_uint16_array,        [JS_TYPED_ARRAY_INT32] = napi_int32_array,
    [JS_TYPED_ARRAY_UINT32] = napi_uint32_array,        [JS_TYPED_ARRAY_BIG_INT64] = napi_bigint64_array,
    [JS_TYPED_ARRAY_BIG_UINT64] = napi_biguint64_array, [JS_TYPED_ARRAY_FLOAT32] = napi_float32_array,
    [JS_TYPED_ARRAY_FLOAT64] = napi_float64_array,
};

// Returns the index of the typed array's class, or -1.
static int array_kind(napi_env env, JSValueConst value) {
  if (!JS_IsObject(value)) return -1;
  JSClassID class = JS_GetClassID(value);
  if (class < env->first_array_class || class >= env->first_array_class + ARRAY_CLASSES) return -1;
  return (int)(class - env->first_array_class);
}

static bool is_array_buffer(napi_env env, JSValueConst value) {
  return JS_IsObject(value) && JS_GetClassID(value) == env->array_buffer_class;
}

napi_status napi_is_arraybuffer(napi_env env, napi_value value, bool *result) {
  *result = is_array_buffer(env, value_of(value));
  return status(env, napi_ok);
}

napi_status napi_is_typedarray(napi_env env, napi_value value, bool *result) {
  *result = array_kind(env, value_of(value)) >= 0;
  return status(env, napi_ok);
}

napi_status napi_is_buffer(napi_env env, napi_value value, bool *result) {
  return napi_is_typedarray(env, value, result);
}

napi_status napi_is_dataview(napi_env env, napi_value value, bool *result) {
  JSClassID data_view = env->first_array_class + ARRAY_CLASSES;  // registered after the typed arrays
  *result = JS_IsObject(value_of(value)) && JS_GetClassID(value_of(value)) == data_view;
  return status(env, napi_ok);
}

napi_status napi_get_arraybuffer_info(napi_env env, napi_value value, void **data, size_t *length) {
  if (!is_array_buffer(env, value_of(value))) return status(env, napi_arraybuffer_expected);
  size_t size;
  uint8_t *bytes = JS_GetArrayBuffer(env->context, &size, value_of(value));
  if (!bytes && JS_HasException(env->context)) return status(env, napi_pending_exception);
  if (data) *data = bytes;
  if (length) *length = size;
  return status(env, napi_ok);
}

napi_status napi_get_typedarray_info(napi_env env, napi_value value, napi_typedarray_type *type, size_t *length,
                                     void **data, napi_value *buffer, size_t *byte_offset) {
  int kind = array_kind(env, value_of(value));
  if (kind < 0) return status(env, napi_invalid_arg);
  size_t offset, bytes, element, size;
  JSValue memory = JS_GetTypedArrayBuffer(env->context, value_of(value), &offset, &bytes, &element);
  if (JS_IsException(memory)) return status(env, napi_pending_exception);
  uint8_t *start = JS_GetArrayBuffer(env->context, &size, memory);
  if (!start) { /* detached: length 0, as in Node */
    JS_FreeValue(env->context, JS_GetException(env->context));
    offset = bytes = 0;
  }
  if (type) *type = TYPES[kind];
  if (length) *length = bytes / element;
  if (data) *data = start + offset;
  if (byte_offset) *byte_offset = offset;
  if (buffer) return give(env, memory, buffer);
  JS_FreeValue(env->context, memory);
  return status(env, napi_ok);
}

napi_status napi_get_buffer_info(napi_env env, napi_value value, void **data, size_t *length) {
  size_t count;
  napi_typedarray_type type;
  napi_status got = napi_get_typedarray_info(env, value, &type, &count, data, NULL, NULL);
  if (got != napi_ok) return got;
  if (type != napi_uint8_array && type != napi_int8_array && type != napi_uint8_clamped_array)
    return status(env, napi_invalid_arg);
  if (length) *length = count;
  return status(env, napi_ok);
}

static void release(JSRuntime *runtime, void *opaque, void *bytes) {
  (void)opaque;
  js_free_rt(runtime, bytes);
}

static JSValue new_array_buffer(napi_env env, size_t length, void **data) {
  uint8_t *bytes = js_mallocz(env->context, length ? length : 1);
  if (!bytes) return JS_EXCEPTION;
  if (data) *data = bytes;
  return JS_NewArrayBuffer(env->context, bytes, length, release, NULL, 0);
}

napi_status napi_create_arraybuffer(napi_env env, size_t length, void **data, napi_value *result) {
  return give(env, new_array_buffer(env, length, data), result);
}

static JSValue view(napi_env env, JSTypedArrayEnum kind, size_t length, JSValueConst memory, size_t offset) {
  JSContext *context = env->context;
  JSValue arguments[] = {memory, JS_NewInt64(context, (int64_t)offset), JS_NewInt64(context, (int64_t)length)};
  return JS_NewTypedArray(context, 3, arguments, kind);
}

napi_status napi_create_typedarray(napi_env env, napi_typedarray_type type, size_t length, napi_value buffer,
                                   size_t offset, napi_value *result) {
  int kind = 0;
  while (kind < ARRAY_CLASSES && TYPES[kind] != type) kind++;
  if (kind == ARRAY_CLASSES) return status(env, napi_invalid_arg);
  return give(env, view(env, (JSTypedArrayEnum)kind, length, value_of(buffer), offset), result);
}

napi_status napi_create_buffer(napi_env env, size_t length, void **data, napi_value *result) {
  JSValue memory = new_array_buffer(env, length, data);
  if (JS_IsException(memory)) return status(env, napi_pending_exception);
  JSValue bytes = view(env, JS_TYPED_ARRAY_UINT8, length, memory, 0);
  JS_FreeValue(env->context, memory);
  return give(env, bytes, result);
}

napi_status napi_create_buffer_copy(napi_env env, size_t length, const void *source, void **data, napi_value *result) {
  void *bytes;
  napi_status created = napi_create_buffer(env, length, &bytes, result);
  if (created != napi_ok) return created;
  if (length > 0) memcpy(bytes, source, length);
  if (data) *data = bytes;
  return created;
}
