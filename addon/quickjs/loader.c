// The module loader: finds modules by file name among the chunks compiled into the program. esbuild has resolved
// imports to files of one directory, so the loader only removes a leading "./".
#include "embed.h"

#include <string.h>

static char *normalize(JSContext *context, const char *base, const char *name, void *opaque) {
  (void)base;
  (void)opaque;
  return js_strdup(context, strncmp(name, "./", 2) == 0 ? name + 2 : name);
}

static JSModuleDef *load(JSContext *context, const char *name, void *opaque) {
  (void)opaque;
  for (const struct chunk *chunk = runt_chunks; chunk->name; chunk++) {
    if (strcmp(chunk->name, name) != 0) continue;
    JSValue module = JS_ReadObject(context, chunk->start, (size_t)(chunk->end - chunk->start), JS_READ_OBJ_BYTECODE);
    if (JS_IsException(module)) return NULL;
    // The context owns loaded modules; the value is only another reference.
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    JS_FreeValue(context, module);
    return definition;
  }
  JS_ThrowReferenceError(context, "no module '%s' in this program", name);
  return NULL;
}

void loader_install(JSRuntime *runtime) {
  JS_SetModuleLoaderFunc(runtime, normalize, load, NULL);
}

// Runs promise jobs until none is left. Returns -1 with an exception pending.
int run_jobs(JSContext *context) {
  JSContext *current;
  for (;;) {
    int ran = JS_ExecutePendingJob(JS_GetRuntime(context), &current);
    if (ran <= 0) return ran;
  }
}

JSValue loader_entry(JSContext *context) {
  const struct chunk *chunk = runt_chunks;
  JSValue module = JS_ReadObject(context, chunk->start, (size_t)(chunk->end - chunk->start), JS_READ_OBJ_BYTECODE);
  if (JS_IsException(module) || JS_ResolveModule(context, module) < 0) return JS_EXCEPTION;
  JSModuleDef *definition = JS_VALUE_GET_PTR(module);
  JSValue promise = JS_EvalFunction(context, module);
  if (JS_IsException(promise) || run_jobs(context) < 0) return JS_EXCEPTION;
  if (JS_PromiseState(context, promise) == JS_PROMISE_REJECTED)
    return JS_Throw(context, JS_PromiseResult(context, promise));
  JS_FreeValue(context, promise);
  return JS_GetModuleNamespace(context, definition);
}
