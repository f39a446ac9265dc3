// Build tool: compiles one ES module to QuickJS bytecode. Usage: compile NAME IN OUT
//
// NAME is the name under which the loader finds the module.
#include <quickjs/quickjs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Imports are resolved when the program runs; here each one only has to exist.
static JSModuleDef *pretend(JSContext *context, const char *name, void *opaque) {
  (void)opaque;
  return JS_NewCModule(context, name, NULL);
}

static char *read_text(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) < 0) return NULL;
  *size = (size_t)ftell(file);
  rewind(file);
  char *text = calloc(1, *size + 1);
  if (!text || fread(text, 1, *size, file) != *size) return NULL;
  fclose(file);
  return text;
}

static int write_bytes(const char *path, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  if (!file) return -1;
  int written = fwrite(bytes, 1, size, file) == size;
  return fclose(file) == 0 && written ? 0 : -1;
}

static int complain(JSContext *context, const char *path) {
  JSValue error = JS_GetException(context);
  const char *text = JS_ToCString(context, error);
  JSValue stack = JS_GetPropertyStr(context, error, "stack");
  const char *where = JS_ToCString(context, stack);
  fprintf(stderr, "%s: %s\n%s", path, text ? text : "cannot be compiled", where ? where : "");
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const char *name = argv[1], *in = argv[2], *out = argv[3];
  JSRuntime *runtime = JS_NewRuntime();
  JSContext *context = JS_NewContext(runtime);
  // import() resolves names relative to the file name of the calling function, which is part of the debug information:
  // a program without it could not load a chunk.
  JS_SetStripInfo(runtime, JS_STRIP_SOURCE);
  JS_SetModuleLoaderFunc(runtime, NULL, pretend, NULL);
  size_t size;
  char *text = read_text(in, &size);
  if (!text) {
    perror(in);
    return 1;
  }
  JSValue module = JS_Eval(context, text, size, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(module)) return complain(context, in);
  uint8_t *bytes = JS_WriteObject(context, &size, module, JS_WRITE_OBJ_BYTECODE);
  if (!bytes) return complain(context, in);
  if (write_bytes(out, bytes, size) < 0) {
    perror(out);
    return 1;
  }
  return 0;
}
