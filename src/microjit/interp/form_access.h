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
  if constexpr (form == Form::AccSlot || form == Form::AccImm)
    return static_cast<T>(acc);
  else
    return get<T>(frame, cell->b);
}
template <Form form, class T>
[[gnu::always_inline]] inline T right(const Cell* cell, const u8* frame, u64 acc) {
  if constexpr (form == Form::SlotAcc)
    return static_cast<T>(acc);
  else if constexpr (form == Form::SlotImm || form == Form::AccImm)
    return immediate<T>(cell);
  else
    return get<T>(frame, cell->c);
}

// Floats: scalars are in the first lane; what is in the others does not matter.

template <class T>
[[gnu::always_inline]] inline T first(Wide wide) {
  sem::Vector<T> lanes;
  __builtin_memcpy(&lanes, &wide, 16);
  return lanes[0];
}
// A scalar with zeros above: what the machine's loads leave.
template <class T>
[[gnu::always_inline]] inline Wide wide_of(T value) {
  const sem::Vector<T> lanes = {value};
  Wide wide;
  __builtin_memcpy(&wide, &lanes, 16);
  return wide;
}
// The same with the other lanes of `rest`, which costs nothing where the value was computed there.
template <class T>
[[gnu::always_inline]] inline Wide with_first(Wide rest, T value) {
  sem::Vector<T> lanes;
  __builtin_memcpy(&lanes, &rest, 16);
  lanes[0] = value;
  Wide wide;
  __builtin_memcpy(&wide, &lanes, 16);
  return wide;
}

template <Form form, class T>
[[gnu::always_inline]] inline Wide wide_left(const Cell* cell, const u8* frame, Wide wide) {
  if constexpr (form == Form::AccSlot || form == Form::AccImm)
    return wide;
  else
    return wide_of(get<T>(frame, cell->b));
}
template <Form form, class T>
[[gnu::always_inline]] inline T float_right(const Cell* cell, const u8* frame, Wide wide) {
  if constexpr (form == Form::SlotAcc)
    return first<T>(wide);
  else if constexpr (form == Form::SlotImm || form == Form::AccImm)
    return immediate<T>(cell);
  else
    return get<T>(frame, cell->c);
}

// The handler of a form among those of a template over forms.
template <class F>
Handler* with_form(Form form, F f) {
  switch (form) {
    case Form::SlotSlot:
      return f.template operator()<Form::SlotSlot>();
    case Form::AccSlot:
      return f.template operator()<Form::AccSlot>();
    case Form::SlotAcc:
      return f.template operator()<Form::SlotAcc>();
    case Form::SlotImm:
      return f.template operator()<Form::SlotImm>();
    case Form::AccImm:
      return f.template operator()<Form::AccImm>();
  }
  return nullptr;
}

}  // namespace bf::microjit::interp
