// Loads, stores and addresses: base + index * scale + offset in one cell.
#include "microjit/interp/form_access.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Type;

namespace {

template <AddressForm form, u32 size>
[[gnu::always_inline]] inline u8* address(const Cell* cell, const u8* frame, u64 acc) {
  u64 at = static_cast<u64>(cell->imm);
  if constexpr (form.base == Base::Slot) at += get<u64>(frame, cell->b);
  if constexpr (form.base == Base::Acc) at += acc;
  if constexpr (form.index != Index::None) {
    u64 index = form.index_in_acc ? acc : get<u32>(frame, cell->c);
    if constexpr (form.index == Index::Word) {
      if constexpr (!form.index_in_acc) index = get<u64>(frame, cell->c);
    } else if constexpr (form.index == Index::Signed32) {
      index = static_cast<u64>(static_cast<i64>(static_cast<i32>(index)));
    } else {
      index = static_cast<u32>(index);
    }
    at += index * (form.scaled_by_size ? size : cell->d);
  }
  return reinterpret_cast<u8*>(at);
}

template <class T, AddressForm form, bool keep>
BF_HANDLER(load) {
  const u8* const at = address<form, sizeof(T)>(cell, frame, acc);
  if constexpr (std::is_integral_v<T>) {
    acc = get<T>(at, 0);
    if constexpr (keep) put<u64>(frame, cell->a, acc);
  } else if constexpr (sizeof(T) == 16) {
    wide = get<Wide>(at, 0);
    if constexpr (keep) put(frame, cell->a, wide);
  } else {
    const sem::Vector<T> lanes = {get<T>(at, 0)};
    wide = (Wide)lanes;
    if constexpr (keep) put<double>(frame, cell->a, wide[0]);
  }
  BF_NEXT(cell + 1);
}

template <class T, AddressForm form, Source source>
BF_HANDLER(store) {
  u8* const at = address<form, sizeof(T)>(cell, frame, acc);
  if constexpr (source == Source::Slot) put<T>(at, 0, get<T>(frame, cell->a));
  else if constexpr (source == Source::Imm) put<T>(at, 0, static_cast<T>(static_cast<i32>(cell->a)));
  else if constexpr (std::is_integral_v<T>) put<T>(at, 0, static_cast<T>(acc));
  else if constexpr (sizeof(T) == 16) put(at, 0, wide);
  else put<T>(at, 0, ((sem::Vector<T>)wide)[0]);
  BF_NEXT(cell + 1);
}

template <AddressForm form, bool keep>
BF_HANDLER(index_of) {
  acc = reinterpret_cast<u64>(address<form, 1>(cell, frame, acc));
  if constexpr (keep) put<u64>(frame, cell->a, acc);
  BF_NEXT(cell + 1);
}

// The handler of an address form among those of a template over them. Of the forms that take the
// accumulator for the address, `free` tells whether it is there (it may hold what is stored).
template <class F>
Handler* with_address(AddressForm form, F f) {
#define BF_ADDRESS(base, index, in_acc, by_size) \
  return f.template operator()<AddressForm{base, index, in_acc, by_size}>()
#define BF_INDEX(kind)                                                                    \
  if (form.index == kind) {                                                               \
    if (form.base == Base::Acc) {                                                         \
      if (form.scaled_by_size) BF_ADDRESS(Base::Acc, kind, false, true);                  \
      BF_ADDRESS(Base::Acc, kind, false, false);                                          \
    }                                                                                     \
    if (form.index_in_acc) {                                                              \
      if (form.scaled_by_size) BF_ADDRESS(Base::Slot, kind, true, true);                  \
      BF_ADDRESS(Base::Slot, kind, true, false);                                          \
    }                                                                                     \
    if (form.scaled_by_size) BF_ADDRESS(Base::Slot, kind, false, true);                   \
    BF_ADDRESS(Base::Slot, kind, false, false);                                           \
  }
  if (form.base == Base::None && form.index != Index::None) return nullptr;
  BF_INDEX(Index::Word)
  BF_INDEX(Index::Signed32)
  BF_INDEX(Index::Unsigned32)
  if (form.base == Base::Acc) BF_ADDRESS(Base::Acc, Index::None, false, false);
  if (form.base == Base::None) BF_ADDRESS(Base::None, Index::None, false, false);
  BF_ADDRESS(Base::Slot, Index::None, false, false);
#undef BF_INDEX
#undef BF_ADDRESS
}

template <class F>
Handler* with_memory_type(Type type, F f) {
  if (type.is_vector()) return type.bytes() == 16 ? f.template operator()<Wide>() : nullptr;
  if (type.kind == Kind::F32) return f.template operator()<float>();
  if (type.kind == Kind::F64) return f.template operator()<double>();
  if (type.is_float()) return nullptr;
  return with_integer(type.kind, [&]<class T>() -> Handler* { return f.template operator()<T>(); });
}

}  // namespace

Handler* load_form(Type type, AddressForm form, bool keep) {
  return with_memory_type(type, [&]<class T>() {
    return with_address(form, [&]<AddressForm f>() -> Handler* {
      return keep ? load<T, f, true> : load<T, f, false>;
    });
  });
}

Handler* store_form(Type type, AddressForm form, Source source) {
  return with_memory_type(type, [&]<class T>() {
    return with_address(form, [&]<AddressForm f>() -> Handler* {
      if constexpr (std::is_integral_v<T>) {
        constexpr bool taken = f.base == Base::Acc || f.index_in_acc;
        if (source == Source::Imm) return store<T, f, Source::Imm>;
        if constexpr (taken) return source == Source::Acc ? nullptr : store<T, f, Source::Slot>;
        else return source == Source::Acc ? store<T, f, Source::Acc> : store<T, f, Source::Slot>;
      } else {
        if (source == Source::Imm) return nullptr;
        return source == Source::Acc ? store<T, f, Source::Acc> : store<T, f, Source::Slot>;
      }
    });
  });
}

Handler* index_form(AddressForm form, bool keep) {
  form.scaled_by_size = false;
  return with_address(form, [&]<AddressForm f>() -> Handler* {
    if constexpr (f.scaled_by_size) return nullptr;
    else return keep ? index_of<f, true> : index_of<f, false>;
  });
}

}  // namespace bf::microjit::interp
