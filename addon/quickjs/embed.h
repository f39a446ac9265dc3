// What the files of the QuickJS host share: the engine, the Node-API environment, and the chunks of bytecode.
#ifndef RUNT_EMBED_H
#define RUNT_EMBED_H

#include <js_native_api.h>
#include <quickjs/quickjs.h>
#include <stddef.h>
#include <stdint.h>

// A module that esbuild wrote and compile.c turned into bytecode. The generated table (scripts/chunks.mjs) starts with
// the entry module and ends with an entry without a name.
struct chunk {
  const char *name;
  const uint8_t *start, *end;
};
extern const struct chunk runt_chunks[];

// engine.c: the runtime with its intrinsics, and the evaluated entry module.
enum { STACK_BYTES = 1024 * 1024 };
struct engine {
  JSRuntime *runtime;
  JSContext *context;
  JSValue main;    // the exported function main(native, argv)
  JSValue native;  // the addon's exports
};
int engine_start(struct engine *engine);
int engine_load_all(struct engine *engine);
int engine_run(struct engine *engine, int argc, char **argv);

// loader.c
void loader_install(JSRuntime *runtime);
JSValue loader_entry(JSContext *context);  // the namespace of the entry module, evaluated; or an exception
int run_jobs(JSContext *context);

// napi_env.c : Node-API on QuickJS.
enum { ARRAY_CLASSES = 11 };  // Uint8Clamped .. Float64, in the order of JSTypedArrayEnum

struct napi_env__ {
  JSContext *context;
  JSClassID external_class, array_buffer_class, first_array_class;
  JSValue *handle, *handle_end;  // next free slot, and the end of the current block of slots
  struct handle_block *handles;
  void *instance_data;
  napi_extended_error_info last_error;
};
napi_env node_api_start(JSContext *context);
JSValue node_api_register(napi_env env);  // the exports of the addon, or an exception

struct handle_mark {
  struct handle_block *block;
  JSValue *handle;
};
struct handle_mark handles_mark(napi_env env);
void handles_release(napi_env env, struct handle_mark mark);

// Puts a value that the caller owns on the handle stack. Turns an exception value into a status.
napi_status give(napi_env env, JSValue value, napi_value *result);
napi_status status(napi_env env, napi_status code);

static inline JSValue value_of(napi_value handle) {
  return *(JSValue *)handle;
}

// utf8.c: conversion between bytes and strings, as in Node.
JSValue new_text(JSContext *context, const char *bytes, size_t length);
size_t copy_text(char *out, size_t capacity, const char *text, size_t length);

#endif
