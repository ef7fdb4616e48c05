// What compiled C++ expects of a C++ runtime: ends of paths that cannot be taken, since there are
// no exceptions, and the functions that libstdc++'s headers call on misuse.
#include "runtime/base.h"

#define BF_MISUSE(what) BF_UNREACHABLE("C++ runtime: " what)

extern "C" {

void __cxa_pure_virtual() {
  BF_MISUSE("a pure virtual function was called");
}

// Nothing is thrown and nobody unwinds: asmjit's clean-up code refers to these.
void _Unwind_Resume() {
  BF_MISUSE("unwinding");
}
int __gxx_personality_v0() {
  BF_MISUSE("an exception");
}

// Objects with static life live until the machine stops.
int __cxa_atexit(void (*)(void*), void*, void*) {
  return 0;
}
int atexit(void (*)()) {
  return 0;
}
void* __dso_handle = nullptr;

// asmjit's type information refers to the vtables of the type_info classes; nobody follows it.
// Their mangled names are not C++ names that could be declared otherwise.
void* bf_class_type_info[8] asm("_ZTVN10__cxxabiv117__class_type_infoE");
void* bf_si_class_type_info[8] asm("_ZTVN10__cxxabiv120__si_class_type_infoE");
void* bf_vmi_class_type_info[8] asm("_ZTVN10__cxxabiv121__vmi_class_type_infoE");

// For processors without POPCNT, as the compiler's own library has it.
int __popcountdi2(long value) {
  auto x = static_cast<unsigned long>(value);
  x = x - (x >> 1 & 0x5555555555555555);
  x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<int>(x * 0x0101010101010101 >> 56);
}

}  // extern "C"

namespace std {

void __throw_length_error(const char* what) {
  BF_UNREACHABLE(what);
}
void __throw_logic_error(const char* what) {
  BF_UNREACHABLE(what);
}
void __throw_out_of_range(const char* what) {
  BF_UNREACHABLE(what);
}
void __throw_out_of_range_fmt(const char* what, ...) {
  BF_UNREACHABLE(what);
}
void __throw_invalid_argument(const char* what) {
  BF_UNREACHABLE(what);
}
void __throw_bad_alloc() {
  BF_MISUSE("out of memory");
}
void __throw_bad_array_new_length() {
  BF_MISUSE("an array of negative or absurd length");
}
void __throw_bad_function_call() {
  BF_MISUSE("an empty std::function was called");
}
void __throw_bad_optional_access() {
  BF_MISUSE("an empty std::optional was read");
}
void __throw_bad_variant_access(const char*) {
  BF_MISUSE("a std::variant was read as another type");
}
void __glibcxx_assert_fail(const char* file, int line, const char*,
                           const char* condition) noexcept {
  bf::panic(file, line, condition);
}
void terminate() noexcept {
  BF_MISUSE("std::terminate");
}

}  // namespace std
