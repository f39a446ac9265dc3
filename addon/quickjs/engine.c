// Selects the JavaScript features of the static program, and calls main. The program runs bytecode only: the parser,
// eval, Date, Proxy and WeakRef are left out. The RegExp compiler is for yargs; RegExp literals are compiled at build
// time.
#include "embed.h"
#include "out_of_memory.h"

#include <string.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_INTERNAL = 70 };

#ifndef RUNT_SANITIZE
#include "arena.h"

static void *js_arena_alloc(JSMallocState *state, size_t size) {
  (void)state;
  return arena_alloc(size);
}

static void js_arena_free(JSMallocState *state, void *block) {
  (void)state;
  arena_free(block);
}

static void *js_arena_realloc(JSMallocState *state, void *block, size_t size) {
  (void)state;
  return arena_realloc(block, size);
}

static JSRuntime *new_runtime(void) {
  static const JSMallocFunctions functions = {js_arena_alloc, js_arena_free, js_arena_realloc, arena_usable_size};
  return JS_NewRuntime2(&functions, NULL);
}
#else
// Sanitizers can only track allocations that come from libc.
static JSRuntime *new_runtime(void) {
  return JS_NewRuntime();
}
#endif

static void put(const char *text, size_t length) {
  while (length > 0) {
    ssize_t written = write(STDERR_FILENO, text, length);
    if (written <= 0) return;
    text += written;
    length -= (size_t)written;
  }
}

static void put_value(JSContext *context, JSValueConst value) {
  size_t length;
  const char *text = JS_ToCStringLen(context, &length, value);
  if (!text) return;
  put(text, length);
  JS_FreeCString(context, text);
}

// Explains an error that a resource limit of the caller caused; NULL for other errors. When there is no memory even for
// an error object, QuickJS throws null.
static const char *limit_reached(JSContext *context, JSValueConst error) {
  if (!JS_IsObject(error)) return JS_IsNull(error) || JS_IsUninitialized(error) ? OUT_OF_MEMORY : NULL;
  JSValue message = JS_GetPropertyStr(context, error, "message");
  const char *text = JS_IsString(message) ? JS_ToCString(context, message) : NULL;
  const char *reached = NULL;
  if (text && strcmp(text, "stack overflow") == 0) reached = OUT_OF_STACK;
  if (JS_IsException(message) || (text && strcmp(text, "out of memory") == 0)) reached = OUT_OF_MEMORY;
  JS_FreeCString(context, text);
  JS_FreeValue(context, message);
  return reached;
}

// Reports bugs of runt itself: main() prints the errors that concern the user and returns.
static int report(JSContext *context, JSValue error) {
  const char *reached = limit_reached(context, error);
  if (reached) {
    put("runt: ", 6);
    put(reached, strlen(reached));
    put("\n", 1);
    return EXIT_FAILED;
  }
  put("runt: internal error: ", 22);
  put_value(context, error);
  put("\n", 1);
  if (JS_IsObject(error)) {
    JSValue stack = JS_GetPropertyStr(context, error, "stack");
    if (JS_IsString(stack)) put_value(context, stack);
    JS_FreeValue(context, stack);
  }
  JS_FreeValue(context, error);
  return EXIT_INTERNAL;
}

static JSContext *new_context(JSRuntime *runtime) {
  JSContext *context = JS_NewContextRaw(runtime);
  if (!context) return NULL;
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicRegExpCompiler(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicMapSet(context);
  JS_AddIntrinsicTypedArrays(context);
  JS_AddIntrinsicPromise(context);
  return context;
}

int engine_start(struct engine *engine) {
  JSRuntime *runtime = new_runtime();
  if (!runtime) return EXIT_INTERNAL;
  // A process that ends within milliseconds needs no cycle collection; reference counts free the rest.
  JS_SetGCThreshold(runtime, (size_t)-1);
  JS_SetMaxStackSize(runtime, STACK_BYTES);
  loader_install(runtime);
  JSContext *context = new_context(runtime);
  if (!context) return EXIT_INTERNAL;
  engine->runtime = runtime;
  engine->context = context;
  engine->native = node_api_register(node_api_start(context));
  if (JS_IsException(engine->native)) return report(context, JS_GetException(context));
  JSValue namespace = loader_entry(context);
  if (JS_IsException(namespace)) return report(context, JS_GetException(context));
  engine->main = JS_GetPropertyStr(context, namespace, "main");
  JS_FreeValue(context, namespace);
  return 0;
}

// Evaluates every chunk, so that a snapshot holds them all.
int engine_load_all(struct engine *engine) {
  JSContext *context = engine->context;
  for (const struct chunk *chunk = runt_chunks; chunk->name; chunk++) {
    JSValue promise = JS_LoadModule(context, "", chunk->name);
    int failed = run_jobs(context);
    if (failed || JS_PromiseState(context, promise) == JS_PROMISE_REJECTED)
      return report(context, failed ? JS_GetException(context) : JS_PromiseResult(context, promise));
    JS_FreeValue(context, promise);
  }
  return 0;
}

// main() returns a promise that is already settled: nothing in it waits.
static int settle(JSContext *context, JSValue result) {
  if (JS_IsException(result) || run_jobs(context) != 0) return report(context, JS_GetException(context));
  JSPromiseStateEnum state = JS_IsObject(result) ? JS_PromiseState(context, result) : (JSPromiseStateEnum)-1;
  if (state == JS_PROMISE_REJECTED) return report(context, JS_PromiseResult(context, result));
  if (state == JS_PROMISE_PENDING) return report(context, JS_NewString(context, "main() waits for nothing"));
  JSValue value = state == JS_PROMISE_FULFILLED ? JS_PromiseResult(context, result) : result;
  int32_t code;
  if (JS_ToInt32(context, &code, value) < 0) return report(context, JS_GetException(context));
  return code;
}

int engine_run(struct engine *engine, int argc, char **argv) {
  JSContext *context = engine->context;
  JSValue list = JS_NewArray(context);
  for (int i = 1; i < argc; i++) {
    size_t length = strlen(argv[i]);
    JS_SetPropertyUint32(context, list, (uint32_t)i - 1, new_text(context, argv[i], length));
  }
  JSValue arguments[] = {engine->native, list};
  JSValue result = JS_Call(context, engine->main, JS_UNDEFINED, 2, arguments);
  return settle(context, result);
}
