// The operands of a form, for handlers_*.cpp only.
#pragma once

#include "microjit/interp/cell_access.h"
#include "microjit/interp/operand_forms.h"

namespace bf::microjit::interp {

template <class T>
[[gnu::always_inline]] inline T immediate(const Cell* cell) {
  T value;
  __builtin_memcpy(&value, &cell->imm, sizeof value);
  return value;
}

template <Form form, class T>
[[gnu::always_inline]] inline T left(const Cell* cell, const u8* frame, u64 acc) {
  if constexpr (form == Form::AccSlot || form == Form::AccImm) return static_cast<T>(acc);
  else return get<T>(frame, cell->b);
}
template <Form form, class T>
[[gnu::always_inline]] inline T right(const Cell* cell, const u8* frame, u64 acc) {
  if constexpr (form == Form::SlotAcc) return static_cast<T>(acc);
  else if constexpr (form == Form::SlotImm || form == Form::AccImm) return immediate<T>(cell);
  else return get<T>(frame, cell->c);
}

// The handler of a form among those of a template over forms.
template <class F>
Handler* with_form(Form form, F f) {
  switch (form) {
    case Form::SlotSlot: return f.template operator()<Form::SlotSlot>();
    case Form::AccSlot: return f.template operator()<Form::AccSlot>();
    case Form::SlotAcc: return f.template operator()<Form::SlotAcc>();
    case Form::SlotImm: return f.template operator()<Form::SlotImm>();
    case Form::AccImm: return f.template operator()<Form::AccImm>();
  }
  return nullptr;
}

}  // namespace bf::microjit::interp
