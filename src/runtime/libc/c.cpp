// What llvm-libc and asmjit expect of a C library beyond llvm-libc's own: errno, abort, standard
// error, the checked printf functions of glibc's headers.
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "runtime/platform.h"

extern "C" {

// One for all cores: nobody reads it.
int* __errno_location() {
  static int value;
  return &value;
}

[[noreturn]] void abort() {
  BF_UNREACHABLE("abort() was called");
}

[[noreturn]] void __stack_chk_fail() {
  BF_UNREACHABLE("a stack frame was overwritten");
}

[[noreturn]] void __assert_fail(const char* condition, const char* file, unsigned line,
                                const char*) {
  bf::panic(file, static_cast<int>(line), condition);
}

// All streams are the log.
FILE* stderr = nullptr;
FILE* stdout = nullptr;

int fputs(const char* text, FILE*) {
  bf::platform::write(bf::platform::Stream::Log, text);
  return 0;
}

size_t fwrite(const void* bytes, size_t size, size_t count, FILE*) {
  bf::platform::write(bf::platform::Stream::Log, {static_cast<const char*>(bytes), size * count});
  return count;
}

// asmjit asks for cache and processor counts; -1 is "not known".
long sysconf(int) {
  return -1;
}

int __vsnprintf_chk(char* to, size_t capacity, int, size_t, const char* pattern,
                    va_list arguments) {
  return vsnprintf(to, capacity, pattern, arguments);
}

int __snprintf_chk(char* to, size_t capacity, int, size_t, const char* pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  const int length = vsnprintf(to, capacity, pattern, arguments);
  va_end(arguments);
  return length;
}

}  // extern "C"
