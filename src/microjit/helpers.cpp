// The functions behind helpers.def: the interpreter's semantics, callable from emitted code.
#include <cstring>

#include "microjit/link.h"
#include "microjit/semantics.h"

namespace bf::microjit {

void helper_hot() asm("bf_hot_from_code");    // entries.cpp
struct FunctionState;
const void* helper_resume(FunctionState* state, u32 block, u32 instruction);  // entries.cpp
void helper_poll() asm("bf_poll_from_code");  // entries.cpp
void helper_timed_enter() asm("bf_timed_enter");
void helper_timed_leave() asm("bf_timed_leave");
void helper_leg() asm("bf_leg_from_code");

namespace {

void helper_memcopy(void* to, const void* from, u64 bytes) { std::memcpy(to, from, bytes); }
void helper_memmove(void* to, const void* from, u64 bytes) { std::memmove(to, from, bytes); }
void helper_memfill(void* to, u32 value, u64 bytes) {
  std::memset(to, static_cast<int>(value & 0xff), bytes);
}
void helper_trap_unreachable() {
  BF_UNREACHABLE("IR: the program reached what it says is unreachable");
}

#define BF_ROUNDING(name, op)                                        \
  float helper_##name##_f32(float a) { return sem::op::apply(a); }   \
  double helper_##name##_f64(double a) { return sem::op::apply(a); }
BF_ROUNDING(floor, floor)
BF_ROUNDING(ceil, ceil)
BF_ROUNDING(trunc, trunc_f)
BF_ROUNDING(rint, rint)
BF_ROUNDING(round, round)
#undef BF_ROUNDING

float helper_fma_f32(float a, float b, float c) { return sem::fma::apply(a, b, c); }
double helper_fma_f64(double a, double b, double c) { return sem::fma::apply(a, b, c); }
float helper_frem_f32(float a, float b) { return sem::frem(a, b); }
double helper_frem_f64(double a, double b) { return sem::frem(a, b); }
float helper_f16_to_f32(u32 bits) { return sem::from_f16(static_cast<u16>(bits)); }
u32 helper_f32_to_f16(float a) { return sem::to_f16(a); }
u32 helper_f64_to_f16(double a) { return sem::to_f16(a); }
u32 helper_f32_to_bf16(float a) { return sem::to_bf16(a); }
u32 helper_f64_to_bf16(double a) { return sem::to_bf16(a); }

#define BF_HELPER(name, type) \
  static_assert(std::is_same_v<decltype(helper_##name), type>, "helpers.def says otherwise");
#include "microjit/helpers.def"
#undef BF_HELPER

}  // namespace

const void* helper_address(Helper helper) {
  static const void* const addresses[] = {
#define BF_HELPER(name, type) reinterpret_cast<const void*>(&helper_##name),
#include "microjit/helpers.def"
#undef BF_HELPER
  };
  return addresses[static_cast<u8>(helper)];
}

}  // namespace bf::microjit
