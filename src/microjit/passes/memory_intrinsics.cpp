// Copies and fills of constant size become loads and stores of what the machine has widest: a copy
// of 512 bytes is eight loads and eight stores of 64. All is loaded before anything is stored, so
// that moves may overlap. The last piece may overlap the one before.
#include <algorithm>

#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr u32 kMaxPieces = 8;

struct Piece {
  u64 offset;
  u32 bytes;
};

// Covers `size` bytes with pieces of at most `widest`; none if that takes too many.
std::vector<Piece> pieces(u64 size, u32 widest) {
  std::vector<Piece> list;
  u64 offset = 0;
  while (offset < size) {
    const u64 left = size - offset;
    u32 bytes = widest;
    while (bytes > left) bytes /= 2;
    // What is left after this one may be covered by one that reaches back.
    if (bytes < left && left < u64{2} * bytes) {
      list.push_back({offset, bytes});
      offset = size - bytes;
    }
    list.push_back({offset, bytes});
    offset += bytes;
    if (list.size() > kMaxPieces) return {};
  }
  return list;
}

Type piece_type(u32 bytes) {
  if (bytes <= 8) return Type{ir::int_kind(bytes * 8)};
  return {Kind::I64, static_cast<u8>(bytes / 8)};
}

class Expander {
 public:
  Expander(Graph& graph, u32 widest) : g_(graph), widest_(widest) {}

  bool run() {
    bool changed = false;
    for (BlockId b = 0; b < g_.blocks.size(); ++b)
      if (expands(b)) changed = run(b) || changed;
    return changed;
  }

 private:
  static bool expands(Op op) {
    return op == Op::memcopy || op == Op::memmove || op == Op::memfill;
  }
  // Most blocks have none.
  bool expands(BlockId b) const {
    for (const InstId id : g_.blocks[b].instructions)
      if (expands(g_.insts[id].op)) return true;
    return false;
  }

  bool run(BlockId b) {
    std::vector<InstId> list;
    bool changed = false;
    for (const InstId id : std::vector<InstId>(g_.blocks[b].instructions)) {
      made_.clear();
      if (!expand(id)) {
        list.push_back(id);
        continue;
      }
      changed = true;
      g_.insts[id].block = kNoBlock;
      for (const InstId i : made_) g_.insts[i].block = b;
      list.insert(list.end(), made_.begin(), made_.end());
    }
    if (changed) g_.blocks[b].instructions = std::move(list);
    return changed;
  }

  bool expand(InstId id) {
    const Inst i = g_.insts[id];
    if (!expands(i.op)) return false;
    const ValueId to = g_.operand(i, 0), what = g_.operand(i, 1), size = g_.operand(i, 2);
    if (!g_.is_constant(size)) return false;
    const u64 bytes = g_.values[size].bits;
    if (bytes == 0) return true;
    const std::vector<Piece> list = pieces(bytes, widest_);
    if (list.empty()) return false;
    if (i.op == Op::memfill) return fill(to, what, list, i.location);
    std::vector<ValueId> loaded;
    for (const Piece& p : list)
      loaded.push_back(make(Op::load, piece_type(p.bytes), {what}, p.offset, i.location));
    for (usize n = 0; n < list.size(); ++n)
      make(Op::store, {}, {loaded[n], to}, list[n].offset, i.location);
    return true;
  }

  bool fill(ValueId to, ValueId byte, const std::vector<Piece>& list, ir::Location location) {
    // Of a value that is not known, only the vectors are worth making.
    if (!g_.is_constant(byte)) return false;
    const u64 bits = g_.values[byte].bits * 0x0101010101010101;
    for (const Piece& p : list) {
      const Type type = piece_type(p.bytes);
      make(Op::store, {}, {g_.splat_constant(type, bits), to}, p.offset, location);
    }
    return true;
  }

  ValueId make(Op op, Type type, std::initializer_list<ValueId> operands, u64 offset,
               ir::Location location) {
    made_.push_back(g_.make(op, type, operands, 0, static_cast<i64>(offset), location));
    return g_.insts[made_.back()].result;
  }

  Graph& g_;
  const u32 widest_;
  std::vector<InstId> made_;
};

}  // namespace

bool memory_intrinsics(Graph& graph, const Context& context) {
  const platform::CpuFeatures& f = context.features;
  const u32 widest = f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl ? 64 : f.avx2 ? 32 : 16;
  return Expander(graph, widest).run();
}

}  // namespace bf::passes
