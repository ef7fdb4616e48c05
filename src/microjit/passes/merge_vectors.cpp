// Neighbouring narrow vectors become wide ones: bitcode is made for machines with 16-byte vectors,
// ours has 32 or 64 bytes.
//
// What clang vectorises it also interleaves: the loop body does everything for two or four
// neighbouring vectors. From two stores to neighbouring places, or from two sums that go round the
// loop together, this pass goes back over pairs of equal operations to pairs of neighbouring loads
// (S. Larsen, S. Amarasinghe, "Exploiting Superword Level Parallelism", 2000), and does each pair
// once where less is left to do then. Twice, and 16 bytes become 64.
//
//   %a = load %p align 4                      %w = load %p align 4      ; f32x8
//   %b = load %p + 16 align 4                 %v = fmul %w, %w
//   %c = fmul %a, %a                          store %v, %q align 4
//   %d = fmul %b, %b
//   store %c, %q align 4
//   store %d, %q + 16 align 4
//
// Only inside of loops: elsewhere wide loads of what narrow stores have just written would wait.
#include <algorithm>
#include <array>

#include "microjit/passes/addresses.h"
#include "microjit/passes/cfg.h"
#include "microjit/passes/loops.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr u32 kMaxNodes = 96, kMaxStores = 64, kMaxBlock = 2000;
constexpr u32 kNone = ~0u;

u32 machine_width(const platform::CpuFeatures& f) {
  if (f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl) return 64;
  return f.avx2 ? 32 : 16;
}

// Operations that do to each lane the same.
bool lanewise(Op op) {
  using ir::Signature;
  if (ir::op_info(op).effects != ir::Effects::Pure) return false;
  switch (ir::op_info(op).signature) {
    case Signature::IntBinary:
    case Signature::IntUnary:
    case Signature::IntCompare:
    case Signature::FloatBinary:
    case Signature::FloatUnary:
    case Signature::FloatTernary:
    case Signature::FloatCompare:
    case Signature::Select:
    case Signature::IntTruncate:
    case Signature::IntExtend:
    case Signature::FloatTruncate:
    case Signature::FloatExtend:
    case Signature::FloatToInt:
    case Signature::IntToFloat:
    case Signature::Bitcast:
      return op != Op::frem;
    default:
      return false;
  }
}

Type doubled(Type t) {
  return {t.kind, static_cast<u8>(t.lanes * 2)};
}

// One block: its pairs, and what has been made of them.
class Merger {
 public:
  Merger(Graph& graph, BlockId block, u32 max_bytes)
      : g_(graph), block_(block), max_bytes_(max_bytes) {}

  bool merge_stores() {
    bool changed = false;
    for (u32 rounds = 0; rounds < kMaxStores && merge_one_pair(); ++rounds) changed = true;
    return changed;
  }

  // `before` is the loop's preheader; the block jumps back to itself by one edge, out by the other.
  bool merge_sums(BlockId before) {
    bool changed = false;
    while (merge_one_sum(before)) changed = true;
    return changed;
  }

 private:
  // What comes after Load replaces operations of this block.
  enum class Shape : u8 {
    Constant,
    Known,
    Concat,
    Splat,
    Halves,
    Load,
    LoadSwapped,
    Shuffle,
    Each
  };
  // A pair of values, and how the vector of both comes to be.
  struct Node {
    ValueId a, b;
    Shape shape;
    u32 children[3] = {kNone, kNone, kNone};
    ValueId wide = kNoValue;
  };

  // ---- Seeds ------------------------------------------------------------------------------------

  bool merge_one_pair() {
    const auto& list = g_.blocks[block_].instructions;
    if (std::ranges::count_if(list, [&](InstId id) { return is_seed(g_.insts[id]); }) < 2)
      return false;  // before all uses of the function are counted
    number();
    std::vector<std::pair<InstId, Address>> stores;
    for (const InstId id : list) {
      const Inst& i = g_.insts[id];
      if (!is_seed(i)) continue;
      const Address address = address_of(g_, i);
      for (auto at = stores.rbegin(); at != stores.rend(); ++at)
        if (try_stores(at->first, at->second, id, address)) return true;
      if (stores.size() < kMaxStores) stores.push_back({id, address});
    }
    return false;
  }

  bool is_seed(const Inst& i) const {
    return i.op == Op::store && mergeable(g_.type(g_.operand(i, 0)));
  }

  bool try_stores(InstId first, const Address& first_address, InstId last, const Address& address) {
    const Type type = g_.type(g_.operand(g_.insts[first], 0));
    if (g_.type(g_.operand(g_.insts[last], 0)) != type || !same_place(first_address, address))
      return false;
    const i64 apart = address.offset - first_address.offset;
    if (apart != type.bytes() && -apart != type.bytes()) return false;
    const InstId low = apart > 0 ? first : last, high = apart > 0 ? last : first;
    begin(last);
    seeds_ = {first, last};
    // The first store is to happen where the last one is.
    if (touched(first_address, type.bytes(), first, last, true)) return false;
    const u32 root = pair(g_.operand(g_.insts[low], 0), g_.operand(g_.insts[high], 0));
    if (root == kNone || gain({}) <= 0) return false;
    const ValueId wide = emit(root);
    const Inst to = g_.insts[low];
    const InstId store =
        g_.make(Op::store, {}, {wide, g_.operand(to, 1)}, to.aux, to.imm, to.location);
    made_.push_back(store);
    place(last);
    sweep();
    return true;
  }

  bool mergeable(Type t) const { return t.is_vector() && t.bytes() * 2 <= max_bytes_; }

  // Whether memory between two instructions of the block may be changed (or also read).
  bool touched(const Address& address, u32 bytes, InstId from, InstId to, bool reads_too) const {
    const auto& list = g_.blocks[block_].instructions;
    for (u32 n = position_[from] + 1; n < position_[to]; ++n) {
      const Inst& i = g_.insts[list[n]];
      const ir::Effects effects = ir::op_info(i.op).effects;
      if (effects == ir::Effects::Pure || effects == ir::Effects::Traps) continue;
      if (effects == ir::Effects::Reads && !reads_too) continue;
      if (std::find(seeds_.begin(), seeds_.end(), list[n]) != seeds_.end()) continue;
      if (i.op != Op::load && i.op != Op::store) return true;
      const u32 size = (i.op == Op::load ? i.type : g_.type(g_.operand(i, 0))).bytes();
      if (may_overlap(g_, address, bytes, address_of(g_, i), size)) return true;
    }
    return false;
  }

  bool merge_one_sum(BlockId before) {
    const auto& arguments = g_.blocks[block_].arguments;
    if (std::ranges::count_if(arguments, [&](ValueId v) { return mergeable(g_.type(v)); }) < 2)
      return false;
    number();
    for (u32 p = 0; p < arguments.size(); ++p)
      for (u32 q = p + 1; q < arguments.size(); ++q)
        if (mergeable(g_.type(arguments[p])) && g_.type(arguments[p]) == g_.type(arguments[q]) &&
            try_sums(before, p, q))
          return true;
    return false;
  }

  u32 back_edge() const { return g_.edges(g_.terminator(block_))[0].block == block_ ? 0 : 1; }

  bool try_sums(BlockId before, u32 p, u32 q) {
    const ValueId a = g_.blocks[block_].arguments[p], b = g_.blocks[block_].arguments[q];
    const auto back = g_.arguments(g_.edges(g_.terminator(block_))[back_edge()]);
    const ValueId next_a = back[p], next_b = back[q];
    begin(g_.blocks[block_].instructions.back());
    nodes_.push_back({a, b, Shape::Known, {kNone, kNone, kNone}, kNoValue});
    const u32 root = pair(next_a, next_b);
    if (root == kNone || nodes_[root].shape != Shape::Each) return false;
    if (gain({next_a, next_b}) <= 0 || !all_merged({a, b, next_a, next_b}, p, q)) return false;
    const ValueId sum = g_.add_argument(block_, doubled(g_.type(a)));
    nodes_[0].wide = sum;
    const ValueId wide = emit(root);
    place(g_.blocks[block_].instructions.back());
    Edge& into = g_.edges(g_.terminator(before))[0];
    const ValueId start_a = g_.arguments(into)[p], start_b = g_.arguments(into)[q];
    const ValueId start = concatenated(start_a, start_b, before);
    g_.add_edge_argument(g_.edges(g_.terminator(before))[0], start);
    g_.add_edge_argument(g_.edges(g_.terminator(block_))[back_edge()], wide);
    take_apart_outside(a, b, sum, next_a, next_b, wide);
    // What is left goes round for itself until it is swept up.
    auto rest = g_.arguments(g_.edges(g_.terminator(block_))[back_edge()]);
    rest[p] = a, rest[q] = b;
    sweep();
    known_.clear();
    return true;
  }

  // Uses behind the loop get the halves, made on the way out.
  void take_apart_outside(ValueId a, ValueId b, ValueId sum, ValueId next_a, ValueId next_b,
                          ValueId wide) {
    const BlockId out = g_.split_edge(block_, 1 - back_edge());
    const Type type = g_.type(a);
    const ValueId narrow[] = {a, b, next_a, next_b};
    ValueId half[4];
    for (u32 n = 0; n < 4; ++n) {
      u8 lanes[ir::kMaxVectorBytes];
      for (u32 k = 0; k < type.lanes; ++k) lanes[k] = static_cast<u8>(k + (n % 2) * type.lanes);
      const ValueId from = n < 2 ? sum : wide;
      half[n] = g_.emit_before_end(out, Op::shuffle, type, {from, from},
                                   g_.add_mask({lanes, type.lanes}));
    }
    const auto exchange = [&](ValueId& v) {
      for (u32 n = 0; n < 4; ++n)
        if (v == narrow[n]) v = half[n];
    };
    for (BlockId other = 0; other < g_.blocks.size(); ++other) {
      if (other == block_) continue;
      for (const InstId id : g_.blocks[other].instructions) {
        for (ValueId& v : g_.operands(g_.insts[id])) exchange(v);
        for (Edge& e : g_.edges(g_.insts[id]))
          for (ValueId& v : g_.arguments(e)) exchange(v);
      }
    }
  }

  // ---- Pairs ------------------------------------------------------------------------------------

  void begin(InstId at) {
    at_ = at;
    nodes_.clear();
    seeds_.clear();
    made_.clear();
  }

  void number() {
    position_.assign(g_.insts.size(), kNone);
    const auto& list = g_.blocks[block_].instructions;
    for (u32 n = 0; n < list.size(); ++n) position_[list[n]] = n;
    uses_ = count_uses(g_);
  }

  const Inst* here(ValueId v) const {
    const Inst* i = g_.definition(v);
    return i && i->block == block_ ? i : nullptr;
  }
  InstId id_of(ValueId v) const { return g_.values[v].index; }

  // The node of a pair, or kNone if there are too many, or the vector would be too wide.
  u32 pair(ValueId a, ValueId b) {
    for (u32 n = 0; n < nodes_.size(); ++n)
      if (nodes_[n].a == a && nodes_[n].b == b) return n;
    if (nodes_.size() == kMaxNodes || !mergeable(g_.type(a))) return kNone;
    Node node{a, b, Shape::Known, {kNone, kNone, kNone}, known(a, b)};
    if (node.wide == kNoValue) node.shape = shape_of(a, b);
    const u32 id = static_cast<u32>(nodes_.size());
    nodes_.push_back(node);
    if (node.shape != Shape::Each && node.shape != Shape::Shuffle) return id;
    const Inst &x = *g_.definition(a), &y = *g_.definition(b);
    for (u32 n = 0; n < x.operand_count; ++n) {
      if (!g_.type(g_.operand(x, n)).is_vector()) continue;  // the condition of a select
      const u32 child = pair(g_.operand(x, n), g_.operand(y, n));
      if (child == kNone) return kNone;
      nodes_[id].children[n] = child;
    }
    return id;
  }

  // What has been merged before, if it is made early enough.
  ValueId known(ValueId a, ValueId b) const {
    for (const Node& n : known_)
      if (n.a == a && n.b == b && position_[id_of(n.wide)] < position_[at_]) return n.wide;
    return kNoValue;
  }

  Shape shape_of(ValueId a, ValueId b) {
    if (g_.is_constant(a) && g_.is_constant(b)) return Shape::Constant;
    const Inst *x = g_.definition(a), *y = g_.definition(b);
    if (!x || !y || x->op != y->op) return Shape::Concat;
    if (x->op == Op::splat)
      return g_.operand(*x, 0) == g_.operand(*y, 0) ? Shape::Splat : Shape::Concat;
    if (are_halves(*x, *y)) return Shape::Halves;
    if (a == b || !here(a) || !here(b)) return Shape::Concat;
    if (x->op == Op::load) return load_shape(id_of(a), id_of(b));
    if (x->op == Op::shuffle)
      return mergeable(g_.type(g_.operand(*x, 0))) &&
                     g_.type(g_.operand(*x, 0)) == g_.type(g_.operand(*y, 0))
                 ? Shape::Shuffle
                 : Shape::Concat;
    return same_operation(*x, *y) ? Shape::Each : Shape::Concat;
  }

  bool same_operation(const Inst& x, const Inst& y) const {
    if (!lanewise(x.op) || x.type != y.type || x.aux != y.aux || x.imm != y.imm) return false;
    for (u32 n = 0; n < x.operand_count; ++n) {
      const ValueId v = g_.operand(x, n), w = g_.operand(y, n);
      if (g_.type(v) != g_.type(w)) return false;
      const bool scalar = !g_.type(v).is_vector();
      if (scalar ? x.op != Op::select || v != w : !mergeable(g_.type(v))) return false;
    }
    return true;
  }

  // Neighbours, of which the memory does not change until the wide load.
  Shape load_shape(InstId a, InstId b) const {
    const Inst &x = g_.insts[a], &y = g_.insts[b];
    if (x.type != y.type) return Shape::Concat;
    const Address s = address_of(g_, x), t = address_of(g_, y);
    const i64 apart = t.offset - s.offset;
    if (!same_place(s, t) || (apart != x.type.bytes() && -apart != x.type.bytes()))
      return Shape::Concat;
    const u32 bytes = x.type.bytes();
    if (touched(s, bytes, a, at_, false) || touched(t, bytes, b, at_, false)) return Shape::Concat;
    return apart > 0 ? Shape::Load : Shape::LoadSwapped;
  }

  // The lower and the upper half of one vector.
  bool are_halves(const Inst& x, const Inst& y) const {
    if (x.op != Op::shuffle || y.op != Op::shuffle || x.type != y.type) return false;
    const ValueId from = g_.operand(x, 0);
    if (from != g_.operand(y, 0) || g_.type(from) != doubled(x.type)) return false;
    for (u32 n = 0; n < x.type.lanes; ++n)
      if (g_.mask(x)[n] != n || g_.mask(y)[n] != n + x.type.lanes) return false;
    return true;
  }

  // ---- Is it worth it? --------------------------------------------------------------------------

  // Operations saved: those that nobody needs any more, less those that are made.
  // The values in `freed` may have uses that are about to go.
  int gain(std::initializer_list<ValueId> freed) {
    std::vector<InstId>& dying = dying_;
    dying = seeds_;
    int made = seeds_.empty() ? 0 : 1;
    for (const Node& n : nodes_) {
      made += cost(n);
      if (n.shape < Shape::Load) continue;
      dying.push_back(id_of(n.a));
      dying.push_back(id_of(n.b));
    }
    std::sort(dying.begin(), dying.end());
    dying.erase(std::unique(dying.begin(), dying.end()), dying.end());
    for (bool changed = true; changed;) {
      changed = false;
      std::vector<std::pair<ValueId, u32>> within;
      for (const InstId id : dying)
        for (const ValueId v : g_.operands(g_.insts[id])) within.push_back({v, 1});
      std::erase_if(dying, [&](InstId id) {
        const ValueId v = g_.insts[id].result;
        if (v != kNoValue && needed_whole(v)) return changed = true;
        if (v == kNoValue || std::find(freed.begin(), freed.end(), v) != freed.end()) return false;
        const auto count = std::count_if(within.begin(), within.end(),
                                         [&](const auto& use) { return use.first == v; });
        const bool stays = static_cast<u32>(count) < uses_[v];
        changed = changed || stays;
        return stays;
      });
    }
    return static_cast<int>(dying.size()) - made;
  }

  // Whether the new code takes the value as it is.
  bool needed_whole(ValueId v) const {
    return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& n) {
      if (n.shape == Shape::Halves) return g_.operand(*g_.definition(n.a), 0) == v;
      return n.shape == Shape::Concat && (n.a == v || n.b == v);
    });
  }

  int cost(const Node& n) const {
    switch (n.shape) {
      case Shape::Constant:
      case Shape::Known:
      case Shape::Halves:
        return 0;
      case Shape::Splat:
      case Shape::Concat:  // what comes from outside the loop is put together there
        return here(n.a) || here(n.b) || argument_here(n.a) || argument_here(n.b) ? 1 : 0;
      case Shape::LoadSwapped:
        return 2;
      default:
        return 1;
    }
  }
  bool argument_here(ValueId v) const {
    return g_.values[v].def == ir::Def::BlockArgument && g_.values[v].index == block_;
  }

  // Whether the loop needs these values for nothing but what is merged, and for going round.
  bool all_merged(std::initializer_list<ValueId> values, u32 p, u32 q) const {
    const auto one_of = [&](ValueId v) {
      return std::find(values.begin(), values.end(), v) != values.end();
    };
    for (const InstId id : g_.blocks[block_].instructions) {
      const auto operands = g_.operands(g_.insts[id]);
      if (std::any_of(operands.begin(), operands.end(), one_of) &&
          !std::binary_search(dying_.begin(), dying_.end(), id))
        return false;
    }
    const auto back = g_.arguments(g_.edges(g_.terminator(block_))[back_edge()]);
    for (u32 n = 0; n < back.size(); ++n)
      if (n != p && n != q && one_of(back[n])) return false;
    return true;
  }

  // ---- Making the wide ones ---------------------------------------------------------------------

  ValueId make(Op op, Type type, std::span<const ValueId> operands, u32 aux, i64 imm,
               ir::Location location) {
    made_.push_back(g_.make(op, type, operands, aux, imm, location));
    return g_.insts[made_.back()].result;
  }

  ValueId emit(u32 id) {
    if (nodes_[id].wide != kNoValue) return nodes_[id].wide;
    ValueId children[3] = {kNoValue, kNoValue, kNoValue};
    for (u32 n = 0; n < 3; ++n)
      if (nodes_[id].children[n] != kNone) children[n] = emit(nodes_[id].children[n]);
    return nodes_[id].wide = emit(nodes_[id], children);
  }

  ValueId emit(const Node& n, const ValueId* children) {
    const Type type = doubled(g_.type(n.a));
    const Inst x = g_.definition(n.a) ? *g_.definition(n.a) : Inst{};
    switch (n.shape) {
      case Shape::Constant:
      case Shape::Concat:
        return concatenated(n.a, n.b, kNoBlock);
      case Shape::Splat:
        return make(Op::splat, type, std::array{g_.operand(x, 0)}, 0, 0, x.location);
      case Shape::Halves:
        return g_.operand(x, 0);
      case Shape::Load:
        return make(Op::load, type, std::array{g_.operand(x, 0)}, x.aux, x.imm, x.location);
      case Shape::LoadSwapped: {
        const Inst y = *g_.definition(n.b);
        const ValueId v =
            make(Op::load, type, std::array{g_.operand(y, 0)}, y.aux, y.imm, y.location);
        u8 lanes[ir::kMaxVectorBytes];
        for (u32 k = 0; k < type.lanes; ++k) lanes[k] = static_cast<u8>(k ^ (type.lanes / 2));
        return make(Op::shuffle, type, std::array{v, v}, g_.add_mask({lanes, type.lanes}), 0,
                    x.location);
      }
      case Shape::Shuffle:
        return make(Op::shuffle, type, std::array{children[0], children[1]}, shuffle_mask(n), 0,
                    x.location);
      default: {
        std::vector<ValueId> operands;
        for (u32 k = 0; k < x.operand_count; ++k)
          operands.push_back(children[k] != kNoValue ? children[k] : g_.operand(x, k));
        return make(x.op, type, operands, x.aux, x.imm, x.location);
      }
    }
  }

  // Lanes of (x0, x1) and of (y0, y1) as lanes of (x0 y0, x1 y1).
  u32 shuffle_mask(const Node& node) {
    const Inst &x = *g_.definition(node.a), &y = *g_.definition(node.b);
    const u32 from = g_.type(g_.operand(x, 0)).lanes;
    u8 lanes[ir::kMaxVectorBytes];
    for (u32 k = 0; k < x.type.lanes; ++k) {
      const u32 a = g_.mask(x)[k], b = g_.mask(y)[k];
      lanes[k] = static_cast<u8>(a < from ? a : a + from);
      lanes[k + x.type.lanes] = static_cast<u8>((b < from ? b : b + from) + from);
    }
    return g_.add_mask({lanes, x.type.lanes * usize{2}});
  }

  // The vector of two vectors: in this block's new code, or at the end of another block.
  ValueId concatenated(ValueId a, ValueId b, BlockId where) {
    const Type type = doubled(g_.type(a));
    if (g_.is_constant(a) && g_.is_constant(b)) {
      u8 bytes[ir::kMaxVectorBytes];
      const auto low = g_.vector_bytes(a), high = g_.vector_bytes(b);
      std::copy(low.begin(), low.end(), bytes);
      std::copy(high.begin(), high.end(), bytes + low.size());
      return g_.vector_constant(type, {bytes, type.bytes()});
    }
    u8 lanes[ir::kMaxVectorBytes];
    for (u32 k = 0; k < type.lanes; ++k) lanes[k] = static_cast<u8>(k);
    const u32 mask = g_.add_mask({lanes, type.lanes});
    if (where != kNoBlock) return g_.emit_before_end(where, Op::shuffle, type, {a, b}, mask);
    return make(Op::shuffle, type, std::array{a, b}, mask, 0, 0);
  }

  // What was made goes before an instruction of the block.
  void place(InstId before) {
    auto& list = g_.blocks[block_].instructions;
    const auto at = std::find(list.begin(), list.end(), before);
    for (const InstId id : made_) g_.insts[id].block = block_;
    list.insert(at, made_.begin(), made_.end());
    for (const Node& n : nodes_)
      if (n.shape >= Shape::Load) known_.push_back(n);
  }

  // Nobody needs any more what was merged.
  void sweep() {
    g_.filter(block_,
              [&](InstId id) { return !std::binary_search(dying_.begin(), dying_.end(), id); });
  }

  Graph& g_;
  const BlockId block_;
  const u32 max_bytes_;
  std::vector<u32> position_;  // of the block's instructions
  std::vector<u32> uses_;
  InstId at_ = kNoInst;  // where wide operations will be
  std::vector<Node> nodes_;
  std::vector<InstId> seeds_;  // the two stores
  std::vector<InstId> made_;
  std::vector<InstId> dying_;  // sorted
  std::vector<Node> known_;
};

bool has_vectors(const Graph& g, const std::vector<BlockId>& blocks) {
  for (const BlockId b : blocks)
    for (const InstId id : g.blocks[b].instructions)
      if (g.insts[id].type.is_vector()) return true;
  return false;
}

bool jumps_to_itself(const Graph& g, BlockId b) {
  const Inst& end = g.terminator(b);
  return end.op == Op::br_if && (g.edges(end)[0].block == b) != (g.edges(end)[1].block == b);
}

}  // namespace

bool merge_vectors(Graph& graph, const Context& context) {
  const u32 width = machine_width(context.features);
  bool changed = false;
  {
    const Cfg cfg(graph);
    if (width <= 16 || cfg.loops().empty() || !has_vectors(graph, cfg.order())) return false;
  }
  changed = make_preheaders(graph);
  const Cfg cfg(graph);
  for (u32 l = 0; l < cfg.loops().size(); ++l) {
    const BlockId header = cfg.loops()[l].header, before = preheader(graph, cfg, l);
    for (const BlockId b : cfg.loops()[l].blocks) {
      if (cfg.loop_of(b) != l || graph.blocks[b].instructions.size() > kMaxBlock) continue;
      Merger merger(graph, b, width);
      changed = merger.merge_stores() || changed;
      if (b == header && before != kNoBlock && jumps_to_itself(graph, b))
        changed = merger.merge_sums(before) || changed;
    }
  }
  return changed;
}

}  // namespace bf::passes
