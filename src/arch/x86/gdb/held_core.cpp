#include "arch/x86/gdb/held_core.h"

#include <cstring>

namespace bf::x86::gdb {

namespace {

// Where a register is; what GDB wants to see more of is zero.
struct Place {
  u8* at = nullptr;
  usize bytes = 0;
};

// By number from rax on.
constexpr u64 ExceptionFrame::* kGeneral[] = {
    &ExceptionFrame::rax, &ExceptionFrame::rbx, &ExceptionFrame::rcx, &ExceptionFrame::rdx,
    &ExceptionFrame::rsi, &ExceptionFrame::rdi, &ExceptionFrame::rbp, &ExceptionFrame::rsp,
    &ExceptionFrame::r8,  &ExceptionFrame::r9,  &ExceptionFrame::r10, &ExceptionFrame::r11,
    &ExceptionFrame::r12, &ExceptionFrame::r13, &ExceptionFrame::r14, &ExceptionFrame::r15,
    &ExceptionFrame::rip, &ExceptionFrame::rflags, &ExceptionFrame::cs, &ExceptionFrame::ss};
static_assert(k_rip == 16 && k_eflags == 17 && k_cs == 18 && k_ss == 19);

// Of the x87's words, from fctrl on; the tags are of another form.
struct FxWord {
  u32 offset, bytes;
};
constexpr FxWord kFxWords[] = {{0, 2}, {2, 2}, {4, 1}, {12, 2}, {8, 4}, {20, 2}, {16, 4}, {6, 2}};
constexpr u32 kFxStack = 32, kFxXmm = 160, kFxMxcsr = 24;

bool is_between(u32 number, u32 first, u32 last) {
  return number >= first && number <= last;
}

template <class T>
Place of(T& value) {
  return {reinterpret_cast<u8*>(&value), sizeof value};
}

Place find(CoreRegisters& c, u32 number) {
  if (number <= k_ss) return of(c.frame->*kGeneral[number]);
  if (is_between(number, k_st0, k_st7)) return {c.fx + kFxStack + 16 * (number - k_st0), 10};
  if (is_between(number, k_fctrl, k_fop)) {
    const FxWord word = kFxWords[number - k_fctrl];
    return {c.fx + word.offset, word.bytes};
  }
  if (is_between(number, k_xmm0, k_xmm15)) return {c.fx + kFxXmm + 16 * (number - k_xmm0), 16};
  if (is_between(number, k_ymm0h, k_ymm15h)) return {c.ymm_high + 16 * (number - k_ymm0h), 16};
  switch (number) {
    case k_ds: return of(c.ds);
    case k_es: return of(c.es);
    case k_fs: return of(c.fs);
    case k_gs: return of(c.gs);
    case k_fs_base: return of(c.fs_base);
    case k_gs_base: return of(c.gs_base);
    case k_mxcsr: return {c.fx + kFxMxcsr, 4};
  }
  return {};
}

// `fxsave` has a bit for each register that is in use; GDB wants two bits, 3 for an empty one.
u16 full_tags(u8 used) {
  u16 tags = 0;
  for (u32 i = 0; i < 8; ++i)
    if ((used >> i & 1) == 0) tags = static_cast<u16>(tags | 3 << (2 * i));
  return tags;
}
u8 short_tags(u16 tags) {
  u8 used = 0;
  for (u32 i = 0; i < 8; ++i)
    if ((tags >> (2 * i) & 3) != 3) used = static_cast<u8>(used | 1 << i);
  return used;
}

usize fewer(usize a, usize b) {
  return a < b ? a : b;
}

}  // namespace

void read_register(const CoreRegisters& core, u32 number, std::span<u8> bytes) {
  std::memset(bytes.data(), 0, bytes.size());
  const Place place = find(const_cast<CoreRegisters&>(core), number);
  if (number == k_ftag) {
    const u16 tags = full_tags(*place.at);
    std::memcpy(bytes.data(), &tags, sizeof tags);
  } else {
    std::memcpy(bytes.data(), place.at, fewer(bytes.size(), place.bytes));
  }
}

bool write_register(CoreRegisters& core, u32 number, std::span<const u8> bytes) {
  const bool is_segment = is_between(number, k_cs, k_gs);
  if (is_segment) return false;
  const Place place = find(core, number);
  if (number == k_ftag) {
    u16 tags;
    std::memcpy(&tags, bytes.data(), sizeof tags);
    *place.at = short_tags(tags);
  } else {
    std::memcpy(place.at, bytes.data(), fewer(bytes.size(), place.bytes));
  }
  // A bit of mxcsr that the processor does not know would be a fault when it is loaded.
  constexpr u32 kKnown = 0xffff;
  if (number == k_mxcsr) {
    u32 value;
    std::memcpy(&value, place.at, sizeof value);
    value &= kKnown;
    std::memcpy(place.at, &value, sizeof value);
  }
  return true;
}

}  // namespace bf::x86::gdb
