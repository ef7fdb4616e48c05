// Cells that do what two did. The table says which (superinstructions.def).
#include "microjit/interp/form_access.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Op;
using ir::Type;

namespace {

constexpr Type kF64{Kind::F64};

// ---- Moves --------------------------------------------------------------------------------------

// a = b, then c = d
BF_HANDLER(two_moves) {
  put<u64>(frame, cell->a, get<u64>(frame, cell->b));
  put<u64>(frame, cell->c, get<u64>(frame, cell->d));
  BF_NEXT(cell + 1);
}

// c = b; a: distance, imm: the block there
template <bool back>
BF_HANDLER(move_and_jump) {
  put<u64>(frame, cell->c, get<u64>(frame, cell->b));
  if constexpr (back)
    BF_NEXT_BACK(at_distance(cell, cell->a), cell->imm);
  else
    BF_NEXT(at_distance(cell, cell->a));
}

bool join_moves(Cell& first, const Cell& second) {
  first.c = second.a, first.d = second.b;
  return true;
}

bool join_move_and_jump(Cell& first, const Cell& second) {
  first.c = first.a;
  first.imm = second.imm;
  return true;
}

// ---- Counting loops -----------------------------------------------------------------------------

// b += the lower half of imm; compared with c, a place or a number; a, d: distances, the upper half
// of imm: the block at the back edge
template <class F, class T, bool bound_is_number>
BF_HANDLER(step_and_branch) {
  const T value =
      static_cast<T>(get<T>(frame, cell->b) + static_cast<T>(static_cast<i32>(cell->imm)));
  put<u64>(frame, cell->b, value);
  const T bound =
      bound_is_number ? static_cast<T>(static_cast<i32>(cell->c)) : get<T>(frame, cell->c);
  if (!F::apply(value, bound)) BF_NEXT(at_distance(cell, cell->d));
  BF_NEXT_BACK(at_distance(cell, cell->a), cell->imm >> 32);
}

bool fits(i64 value) {
  return value == static_cast<i32>(value);
}

template <class T, bool bound_is_number>
bool join_step(Cell& first, const Cell& second) {
  using Signed = std::make_signed_t<T>;
  const i64 step = static_cast<Signed>(first.imm);
  if (first.a != first.b || !fits(step)) return false;
  const i64 header = bound_is_number ? second.c : second.imm;
  if (bound_is_number) {
    const i64 bound = static_cast<Signed>(second.imm);
    if (!fits(bound)) return false;
    first.c = static_cast<u32>(bound);
  } else {
    first.c = second.c;
  }
  first.imm = header << 32 | static_cast<u32>(step);
  return true;
}

// ---- Sums of products ---------------------------------------------------------------------------

// a = the accumulator (or b) * c + d
template <class T, Form form, bool keep>
BF_HANDLER(multiply_add) {
  const Wide left = wide_left<form, T>(cell, frame, wide);
  const T product = sem::fmul::apply(first<T>(left), get<T>(frame, cell->c));
  wide = with_first<T>(left, sem::fadd::apply(product, get<T>(frame, cell->d)));
  if constexpr (keep) put<double>(frame, cell->a, wide[0]);
  BF_NEXT(cell + 1);
}

bool join_multiply_add(Cell& first, const Cell& second) {
  first.a = second.a, first.d = second.c;
  return true;
}

// ---- The table ----------------------------------------------------------------------------------

#define BF_STEP(compare, kind, type, form, number)                 \
  {integer_form(Op::add, Kind::kind, Form::SlotImm, true),         \
   compare_branch_form(Op::compare, Kind::kind, Form::form, true), \
   step_and_branch<sem::compare, type, number>, join_step<type, number>},
#define BF_STEPS(compare)                    \
  BF_STEP(compare, I64, u64, AccSlot, false) \
  BF_STEP(compare, I64, u64, AccImm, true)   \
  BF_STEP(compare, I32, u32, AccSlot, false) \
  BF_STEP(compare, I32, u32, AccImm, true)
#define BF_PAIR(first, second, both, join) {first, second, both, join},

}  // namespace

CellJoiner::CellJoiner()
    : pairs_{
#include "microjit/interp/superinstructions.def"
      } {
}

bool CellJoiner::join(Cell& first, const Cell& second) const {
#ifdef BF_COUNT_CELLS
  return false;  // what there is to choose from is counted
#endif
  for (const Pair& pair : pairs_) {
    if (first.handler != pair.first || second.handler != pair.second) continue;
    if (!pair.join(first, second)) return false;
    first.handler = pair.both;
    return true;
  }
  return false;
}

}  // namespace bf::microjit::interp
