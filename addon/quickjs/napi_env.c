// Node-API on QuickJS: the environment, handles, scopes, references and instance data.
//
// A napi_value points to a slot on a stack of values. A native call keeps the slots it fills until it returns, so a
// scope costs two words; the stack grows in blocks because slots must not move. Finalizers are never called and weak
// references are strong: the process ends before either matters.
#include "embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef RUNT_SANITIZE
#include "arena.h"
#else
#define IN_SNAPSHOT
#endif

enum { BLOCK_HANDLES = 510 };

struct handle_block {
  struct handle_block *before, *after;
  JSValue slots[BLOCK_HANDLES];
};

static IN_SNAPSHOT struct napi_env__ environment = {0};

static int next_block(napi_env env) {
  struct handle_block *block = env->handles ? env->handles->after : NULL;
  if (!block) {
    block = malloc(sizeof *block);
    if (!block) return -1;
    block->before = env->handles;
    block->after = NULL;
    if (env->handles) env->handles->after = block;
  }
  env->handles = block;
  env->handle = block->slots;
  env->handle_end = block->slots + BLOCK_HANDLES;
  return 0;
}

struct handle_mark handles_mark(napi_env env) {
  return (struct handle_mark){env->handles, env->handle};
}

void handles_release(napi_env env, struct handle_mark mark) {
  for (;;) {
    JSValue *first = env->handles == mark.block ? mark.handle : env->handles->slots;
    while (env->handle > first) JS_FreeValue(env->context, *--env->handle);
    if (env->handles == mark.block) return;
    env->handles = env->handles->before;
    env->handle = env->handle_end = env->handles->slots + BLOCK_HANDLES;
  }
}

napi_status status(napi_env env, napi_status code) {
  env->last_error.error_code = code;
  return code;
}

napi_status give(napi_env env, JSValue value, napi_value *result) {
  if (JS_IsException(value)) return status(env, napi_pending_exception);
  if (env->handle == env->handle_end && next_block(env) < 0) return status(env, napi_generic_failure);
  *env->handle = value;
  *result = (napi_value)env->handle++;
  return status(env, napi_ok);
}

// QuickJS's public header does not export class ids; a sample object of each kind provides them.
static JSClassID class_of_sample(JSContext *context, JSValue sample) {
  JSClassID class = JS_GetClassID(sample);
  JS_FreeValue(context, sample);
  return class;
}

napi_env node_api_start(JSContext *context) {
  static const JSClassDef external = {.class_name = "External"};
  napi_env env = &environment;
  env->context = context;
  JS_SetContextOpaque(context, env);
  JS_NewClassID(&env->external_class);
  JS_NewClass(JS_GetRuntime(context), env->external_class, &external);
  env->array_buffer_class = class_of_sample(context, JS_NewArrayBufferCopy(context, NULL, 0));
  JSValue length[] = {JS_NewInt32(context, 0), JS_UNDEFINED, JS_UNDEFINED};
  JSValue array = JS_NewTypedArray(context, 1, length, JS_TYPED_ARRAY_UINT8C);
  env->first_array_class = class_of_sample(context, array) - JS_TYPED_ARRAY_UINT8C;
  if (next_block(env) < 0) abort();
  return env;
}

// The addon's entry point, which NODE_API_MODULE defines.
napi_value napi_register_module_v1(napi_env env, napi_value exports);

JSValue node_api_register(napi_env env) {
  JSValue exports = JS_NewObject(env->context);
  napi_value handle;
  if (give(env, JS_DupValue(env->context, exports), &handle) != napi_ok) return JS_EXCEPTION;
  napi_value replaced = napi_register_module_v1(env, handle);
  if (JS_HasException(env->context)) return JS_EXCEPTION;
  if (replaced && replaced != handle) {
    JS_FreeValue(env->context, exports);
    exports = JS_DupValue(env->context, value_of(replaced));
  }
  return exports;
}

// Scopes. The mark is kept in a slot of its own only while the scope is open.
napi_status napi_open_handle_scope(napi_env env, napi_handle_scope *result) {
  struct handle_mark *mark = malloc(sizeof *mark);
  if (!mark) return status(env, napi_generic_failure);
  *mark = handles_mark(env);
  *result = (napi_handle_scope)mark;
  return status(env, napi_ok);
}

napi_status napi_close_handle_scope(napi_env env, napi_handle_scope scope) {
  handles_release(env, *(struct handle_mark *)scope);
  free(scope);
  return status(env, napi_ok);
}

// The slot for the escaping value lies below the scope's mark.
struct escapable {
  struct handle_mark mark;
  napi_value slot;
};

napi_status napi_open_escapable_handle_scope(napi_env env, napi_escapable_handle_scope *result) {
  struct escapable *scope = malloc(sizeof *scope);
  if (!scope) return status(env, napi_generic_failure);
  napi_status given = give(env, JS_UNDEFINED, &scope->slot);
  if (given != napi_ok) return given;
  scope->mark = handles_mark(env);
  *result = (napi_escapable_handle_scope)scope;
  return status(env, napi_ok);
}

napi_status napi_close_escapable_handle_scope(napi_env env, napi_escapable_handle_scope scope) {
  handles_release(env, ((struct escapable *)scope)->mark);
  free(scope);
  return status(env, napi_ok);
}

napi_status napi_escape_handle(napi_env env, napi_escapable_handle_scope scope, napi_value escapee,
                               napi_value *result) {
  napi_value slot = ((struct escapable *)scope)->slot;
  *(JSValue *)slot = JS_DupValue(env->context, value_of(escapee));
  *result = slot;
  return status(env, napi_ok);
}

struct napi_ref__ {
  JSValue value;
  uint32_t count;
};

napi_status napi_create_reference(napi_env env, napi_value value, uint32_t count, napi_ref *result) {
  napi_ref reference = malloc(sizeof *reference);
  if (!reference) return status(env, napi_generic_failure);
  *reference = (struct napi_ref__){JS_DupValue(env->context, value_of(value)), count};
  *result = reference;
  return status(env, napi_ok);
}

napi_status napi_delete_reference(napi_env env, napi_ref reference) {
  JS_FreeValue(env->context, reference->value);
  free(reference);
  return status(env, napi_ok);
}

napi_status napi_reference_ref(napi_env env, napi_ref reference, uint32_t *result) {
  reference->count++;
  if (result) *result = reference->count;
  return status(env, napi_ok);
}

napi_status napi_reference_unref(napi_env env, napi_ref reference, uint32_t *result) {
  if (reference->count == 0) return status(env, napi_generic_failure);
  reference->count--;
  if (result) *result = reference->count;
  return status(env, napi_ok);
}

napi_status napi_get_reference_value(napi_env env, napi_ref reference, napi_value *result) {
  return give(env, JS_DupValue(env->context, reference->value), result);
}

napi_status napi_set_instance_data(node_api_basic_env basic_env, void *data, napi_finalize finalize, void *hint) {
  (void)finalize;
  (void)hint;
  napi_env env = (napi_env)basic_env;
  env->instance_data = data;
  return status(env, napi_ok);
}

napi_status napi_get_instance_data(node_api_basic_env basic_env, void **data) {
  napi_env env = (napi_env)basic_env;
  *data = env->instance_data;
  return status(env, napi_ok);
}
