// The parts of the C++ runtime library that the addon needs, so that the static program does not link libstdc++: that
// library is built for glibc, and brings exceptions and locales that are not used. The addon is compiled without
// exceptions; a failed allocation or a violated precondition ends the process.
#include "out_of_memory.h"

#include <cstdlib>
#include <new>
#include <string>
#include <unistd.h>

namespace {
[[noreturn]] void end(int status, const char *what) {
  std::size_t length = 0;
  while (what[length] != '\0') length++;
  if (write(STDERR_FILENO, what, length) < 0) _exit(71);
  _exit(status);
}

[[noreturn]] void die(const char *what) {
  static const char prefix[] = "runt: internal error: ";
  if (write(STDERR_FILENO, prefix, sizeof prefix - 1) < 0) _exit(71);
  end(70, what);
}

[[noreturn]] void die_of_memory() {
  end(1, "runt: " OUT_OF_MEMORY "\n");
}

void *allocate(std::size_t size) {
  void *block = std::malloc(size != 0 ? size : 1);
  if (block == nullptr) die_of_memory();
  return block;
}
}  // namespace

void *operator new(std::size_t size) {
  return allocate(size);
}
void *operator new[](std::size_t size) {
  return allocate(size);
}
void operator delete(void *block) noexcept {
  std::free(block);
}
void operator delete[](void *block) noexcept {
  std::free(block);
}
void operator delete(void *block, std::size_t) noexcept {
  std::free(block);
}
void operator delete[](void *block, std::size_t) noexcept {
  std::free(block);
}

namespace std {
void __throw_length_error(const char *what) {
  die(what);
}
void __throw_logic_error(const char *what) {
  die(what);
}
void __throw_out_of_range(const char *what) {
  die(what);
}
void __throw_out_of_range_fmt(const char *what, ...) {
  die(what);
}
void __throw_invalid_argument(const char *what) {
  die(what);
}
void __throw_bad_alloc() {
  die_of_memory();
}
void __throw_bad_array_new_length() {
  die("array too long\n");
}
void __throw_bad_function_call() {
  die("empty function called\n");
}
void __throw_system_error(int) {
  die("system error\n");
}

template class basic_string<char>;
}  // namespace std

extern "C" void __cxa_pure_virtual() {
  die("pure virtual function called\n");
}
