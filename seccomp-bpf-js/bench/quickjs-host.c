/*
 * Times the compiler in QuickJS, the engine of the static executable: evaluates a script that defines `compile()`, in a
 * new engine each time, and times the first call, which is the cost for `create`. For callgrind, collect in the
 * function `timed_call`:  quickjs-host SCRIPT [ROUNDS]
 */
#include <quickjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

__attribute__((noinline)) JSValue timed_call(JSContext *ctx, JSValue function) {
  return JS_Call(ctx, function, JS_UNDEFINED, 0, NULL);
}

static char *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  char *text;

  if (!file)
    perror(path), exit(1);
  fseek(file, 0, SEEK_END);
  *size = ftell(file);
  rewind(file);
  text = calloc(1, *size + 1);
  if (fread(text, 1, *size, file) != *size)
    perror(path), exit(1);
  fclose(file);
  return text;
}

static int by_value(const void *a, const void *b) {
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

int main(int argc, char **argv) {
  int rounds = argc > 2 ? atoi(argv[2]) : 1;
  double *times = calloc(rounds, sizeof *times);
  size_t size;
  char *script = read_file(argv[1], &size);

  for (int i = 0; i < rounds; i++) {
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *ctx = JS_NewContext(runtime);
    JSValue result = JS_Eval(ctx, script, size, argv[1], JS_EVAL_TYPE_GLOBAL);
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue function = JS_GetPropertyStr(ctx, global, "compile");
    double start;

    JS_SetGCThreshold(runtime, (size_t)-1);
    start = now();
    JSValue count = timed_call(ctx, function);
    times[i] = now() - start;
    if (JS_IsException(count) || JS_IsException(result)) {
      JSValue error = JS_GetException(ctx);
      fprintf(stderr, "%s\n", JS_ToCString(ctx, error));
      return 1;
    }
    if (i == 0)
      printf("result %s\n", JS_ToCString(ctx, count));
    JS_FreeValue(ctx, count);
    JS_FreeValue(ctx, function);
    JS_FreeValue(ctx, global);
    JS_FreeValue(ctx, result);
    if (i)
      JS_FreeContext(ctx), JS_FreeRuntime(runtime);
  }
  qsort(times, rounds, sizeof *times, by_value);
  printf("first call in a fresh engine, microseconds: median %.0f, best %.0f, worst %.0f of %d\n", times[rounds / 2], times[0],
         times[rounds - 1], rounds);
  return 0;
}
