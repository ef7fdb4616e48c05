// Scalar replacement: stack memory, cut into pieces that values can hold.
//
// One walk finds what becomes of the address of each stack_alloc. Where it is only used by loads,
// stores, copies and fills at constant offsets, the ranges that are accessed are merged where they
// overlap; each merged range is a piece. Copies and fills become loads and stores of pieces. What
// is left is made uniform: one type per piece, smaller accesses by shifts and masks.
#include <algorithm>

#include "microjit/passes/cfg.h"
#include "microjit/passes/mem2reg.h"

namespace bf::passes {

namespace {

constexpr u32 kNone = ~0u;
// Bigger copies, or ones of more pieces, stay what they are.
constexpr u64 kMostBytes = 256;
constexpr u32 kMostPieces = 24;

struct Range {
  u32 start, end;
  Type type;
};

struct Candidate {
  u32 bytes = 0;
  bool good = true;
  bool settled = true;  // ranges are sorted and merged
  std::vector<Range> ranges;

  void add(Range r) {
    ranges.push_back(r);
    settled = false;
  }
  // Merges what overlaps. A merged range of several has no type.
  void merge() {
    if (settled) return;
    settled = true;
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
      return a.start != b.start ? a.start < b.start : a.end > b.end;
    });
    usize kept = 0;
    for (const Range& r : ranges) {
      if (kept == 0 || ranges[kept - 1].end <= r.start) {
        ranges[kept++] = r;
        continue;
      }
      Range& last = ranges[kept - 1];
      if (r.start != last.start || r.end != last.end) last.type = {};
      last.end = std::max(last.end, r.end);
    }
    ranges.resize(kept);
  }
};

// Where a value points to: `offset` into a candidate.
struct Place {
  u32 candidate = kNone;
  i64 offset = 0;
};

struct Access {
  InstId inst;
  u32 candidate;
  u32 offset;
};

// A copy or fill of a known number of bytes with a candidate on at least one side.
struct BulkAccess {
  InstId inst;
  Place to, from;
  u32 bytes;
};

Type int_type(u32 bytes) {
  if (bytes <= 8) return {ir::int_kind(bytes * 8)};
  return {Kind::I64, static_cast<u8>(bytes / 8)};
}

class Slicer {
 public:
  explicit Slicer(Graph& graph) : g_(graph) {}

  Variables run() {
    const Cfg cfg(g_);
    places_.resize(g_.values.size());
    for (const InstId id : g_.blocks[0].instructions)
      if (g_.insts[id].op == Op::stack_alloc) {
        places_[g_.insts[id].result] = {static_cast<u32>(candidates_.size()), 0};
        candidates_.emplace_back().bytes = static_cast<u32>(g_.insts[id].imm);
      }
    Variables variables;
    if (candidates_.empty()) return variables;
    for (const BlockId b : cfg.order())
      for (const InstId id : g_.blocks[b].instructions) visit(id);
    share_ranges();
    expand_bulk();
    for (Candidate& c : candidates_) c.merge();
    find_pieces(variables);
    make_uniform(variables);
    return variables;
  }

 private:
  // ---- What becomes of the addresses

  Place place(ValueId v) const { return v < places_.size() ? places_[v] : Place{}; }
  void give_up(ValueId v) {
    if (const Place p = place(v); p.candidate != kNone) candidates_[p.candidate].good = false;
  }

  void visit(InstId id) {
    const Inst& i = g_.insts[id];
    const auto ids = g_.operands(i);
    switch (i.op) {
      case Op::ptradd:
      case Op::index:
        if (const Place p = place(ids[0]); p.candidate != kNone) follow(i, p);
        return;
      case Op::load:
        return access(id, ids[0], i.type);
      case Op::store:
        give_up(ids[0]);
        return access(id, ids[1], g_.type(ids[0]));
      case Op::memcopy:
      case Op::memmove:
        return bulk(id, place(ids[0]), place(ids[1]));
      case Op::memfill:
        return bulk(id, place(ids[0]), {});
      default:
        for (const ValueId v : ids) give_up(v);
        for (const Edge& e : g_.edges(i))
          for (const ValueId v : g_.arguments(e)) give_up(v);
    }
  }

  void follow(const Inst& i, Place p) {
    const ValueId number = g_.operand(i, 1);
    if (!g_.is_constant(number)) {
      candidates_[p.candidate].good = false;
      return;
    }
    const i64 n = static_cast<i64>(g_.values[number].bits);
    i64 offset;
    if (__builtin_mul_overflow(n, i.op == Op::index ? static_cast<i64>(i.aux) : 1, &offset) ||
        __builtin_add_overflow(offset, i.op == Op::index ? i.imm : 0, &offset) ||
        __builtin_add_overflow(offset, p.offset, &offset)) {
      candidates_[p.candidate].good = false;
      return;
    }
    places_[i.result] = {p.candidate, offset};
  }

  bool inside(Place p, i64 offset, u64 bytes) {
    Candidate& c = candidates_[p.candidate];
    const bool in = offset >= 0 && static_cast<u64>(offset) + bytes <= c.bytes;
    if (!in) c.good = false;
    return in;
  }

  void access(InstId id, ValueId address, Type type) {
    const Place p = place(address);
    if (p.candidate == kNone) return;
    i64 offset;
    if (__builtin_add_overflow(p.offset, g_.insts[id].imm, &offset)) offset = -1;
    if (!inside(p, offset, type.bytes())) return;
    const u32 start = static_cast<u32>(offset);
    accesses_.push_back({id, p.candidate, start});
    candidates_[p.candidate].add({start, start + type.bytes(), type});
  }

  void bulk(InstId id, Place to, Place from) {
    if (to.candidate == kNone && from.candidate == kNone) return;
    const ValueId size = g_.operand(g_.insts[id], 2);
    const bool known = g_.is_constant(size) && g_.values[size].bits <= kMostBytes;
    const u32 bytes = known ? static_cast<u32>(g_.values[size].bits) : 0;
    for (const Place& p : {to, from}) {
      if (p.candidate == kNone) continue;
      if (known)
        inside(p, p.offset, bytes);
      else
        candidates_[p.candidate].good = false;
    }
    if (known) bulk_.push_back({id, to, from, bytes});
  }

  // ---- Copies and fills

  bool good(const Place& p) const { return p.candidate != kNone && candidates_[p.candidate].good; }

  // The ranges of a candidate within [offset, offset + bytes), from 0. False if one lies across.
  bool ranges_within(const Place& p, u32 bytes, std::vector<Range>& out) {
    out.clear();
    Candidate& c = candidates_[p.candidate];
    c.merge();
    const u32 start = static_cast<u32>(p.offset), end = start + bytes;
    for (const Range& r : c.ranges) {
      if (r.end <= start || r.start >= end) continue;
      if (r.start < start || r.end > end) return false;
      out.push_back({r.start - start, r.end - start, r.type});
    }
    return true;
  }

  // What one side of a copy is accessed by, the other side should be cut by, too. What goes to
  // memory must be copied whole.
  void share_ranges() {
    constexpr int kMostRounds = 4;
    std::vector<Range> ranges;
    for (int round = 0; round < kMostRounds; ++round)
      for (BulkAccess& b : bulk_) {
        if (good(b.to) && good(b.from)) {
          if (!share(b.to, b.from, b.bytes, ranges) || !share(b.from, b.to, b.bytes, ranges))
            give_up(b);
        } else if (good(b.from) && round > 0) {
          if (!ranges_within(b.from, b.bytes, ranges))
            give_up(b);
          else
            fill_gaps(b, ranges);
        } else if (good(b.to) && !ranges_within(b.to, b.bytes, ranges)) {
          give_up(b);
        }
      }
    for (BulkAccess& b : bulk_)
      for (const Place& p : {b.to, b.from})
        if (good(p) && (!ranges_within(p, b.bytes, ranges) || ranges.size() > kMostPieces))
          give_up(b);
  }

  void give_up(const BulkAccess& b) {
    if (b.to.candidate != kNone) candidates_[b.to.candidate].good = false;
    if (b.from.candidate != kNone) candidates_[b.from.candidate].good = false;
  }

  bool share(const Place& of, const Place& with, u32 bytes, std::vector<Range>& ranges) {
    if (!ranges_within(of, bytes, ranges)) return false;
    const u32 start = static_cast<u32>(with.offset);
    for (const Range& r : ranges)
      if (!has(candidates_[with.candidate], start + r.start, start + r.end))
        candidates_[with.candidate].add({start + r.start, start + r.end, r.type});
    return true;
  }

  static bool has(const Candidate& c, u32 start, u32 end) {
    for (const Range& r : c.ranges)
      if (r.start <= start && r.end >= end) return true;
    return false;
  }

  void fill_gaps(const BulkAccess& b, const std::vector<Range>& ranges) {
    Candidate& c = candidates_[b.from.candidate];
    const u32 base = static_cast<u32>(b.from.offset);
    u32 at = 0;
    const auto fill = [&](u32 end) {
      while (at < end) {
        u32 size = 8;
        while (size > end - at || (at & (size - 1)) != 0) size /= 2;
        c.add({base + at, base + at + size, int_type(size)});
        at += size;
      }
    };
    for (const Range& r : ranges) {
      fill(r.start);
      at = r.end;
    }
    fill(b.bytes);
  }

  void expand_bulk() {
    for (const BulkAccess& b : bulk_)
      if (good(b.to) || good(b.from)) expand(b);
  }

  void expand(const BulkAccess& b) {
    std::vector<Range> ranges;
    const bool to_candidate = good(b.to);
    ranges_within(to_candidate ? b.to : b.from, b.bytes, ranges);
    const Inst i = g_.insts[b.inst];
    const ValueId to = g_.operand(i, 0), from = g_.operand(i, 1);
    std::vector<InstId> loads, stores;
    for (const Range& r : ranges)
      for (u32 at = r.start; at < r.end;) {
        Type type = r.type;
        if (type.is_void() || type.kind == Kind::I1) {
          u32 size = 8;
          while (size > r.end - at) size /= 2;
          type = int_type(size);
        }
        const ValueId v = i.op == Op::memfill ? filled(loads, i, from, type)
                                              : load_piece(loads, b, from, at, type, i.location);
        stores.push_back(g_.make(Op::store, {}, {v, to}, 0, at, i.location));
        if (to_candidate) note(stores.back(), b.to, at);
        at += type.bytes();
      }
    loads.insert(loads.end(), stores.begin(), stores.end());
    auto& list = g_.blocks[i.block].instructions;
    const auto place = std::find(list.begin(), list.end(), b.inst);
    for (const InstId n : loads) g_.insts[n].block = i.block;
    const auto next = list.erase(place);
    list.insert(next, loads.begin(), loads.end());
    g_.insts[b.inst].block = kNoBlock;
  }

  ValueId load_piece(std::vector<InstId>& loads, const BulkAccess& b, ValueId from, u32 at,
                     Type type, ir::Location location) {
    loads.push_back(g_.make(Op::load, type, {from}, 0, at, location));
    if (good(b.from)) note(loads.back(), b.from, at);
    return g_.insts[loads.back()].result;
  }

  void note(InstId id, const Place& p, u32 at) {
    const u32 start = static_cast<u32>(p.offset) + at;
    accesses_.push_back({id, p.candidate, start});
    const Inst& i = g_.insts[id];
    const Type t = i.op == Op::load ? i.type : g_.type(g_.operand(i, 0));
    candidates_[p.candidate].add({start, start + t.bytes(), t});
  }

  // A value all of whose bytes are `byte`.
  ValueId filled(std::vector<InstId>& list, const Inst& fill, ValueId byte, Type type) {
    constexpr u64 kOnes = 0x0101010101010101;
    if (g_.is_constant(byte)) return g_.splat_constant(type, g_.values[byte].bits * kOnes);
    const auto make = [&](Op op, Type t, std::initializer_list<ValueId> ids) {
      list.push_back(g_.make(op, t, ids, 0, 0, fill.location));
      return g_.insts[list.back()].result;
    };
    const Type integer = int_type(type.element_bytes());
    ValueId v = byte;
    if (integer.kind != Kind::I8) {
      const ValueId wide = make(Op::zext, integer, {byte});
      v = make(Op::mul, integer, {wide, g_.constant(integer, kOnes)});
    }
    if (integer.kind != type.kind) v = make(Op::bitcast, type.element(), {v});
    return type.is_vector() ? make(Op::splat, type, {v}) : v;
  }

  // ---- Pieces

  struct Piece {
    u32 start, end;
    u32 variable = kNoVariable;
    Type type;
    bool mixed = false;  // accessed in parts
  };

  const Type access_type(const Inst& i) const {
    return i.op == Op::load ? i.type : g_.type(g_.operand(i, 0));
  }

  Piece& piece_of(const Access& a) {
    auto& list = pieces_[a.candidate];
    return *(std::upper_bound(list.begin(), list.end(), a.offset,
                              [](u32 at, const Piece& p) { return at < p.start; }) -
             1);
  }

  void find_pieces(Variables& variables) {
    pieces_.resize(candidates_.size());
    for (usize c = 0; c < candidates_.size(); ++c)
      for (const Range& r : candidates_[c].ranges)
        pieces_[c].push_back({r.start, r.end, kNoVariable, {}});
    for (const Access& a : accesses_) {
      if (!candidates_[a.candidate].good) continue;
      Piece& p = piece_of(a);
      const Type t = access_type(g_.insts[a.inst]);
      if (t.bytes() != p.end - p.start)
        p.mixed = true;
      else if (p.type.is_void())
        p.type = t;
      else if (p.type != t && (p.type.kind == Kind::I1 || t.kind == Kind::I1))
        p.type = {Kind::I8};
    }
    for (usize c = 0; c < pieces_.size(); ++c)
      for (Piece& p : pieces_[c]) {
        const u32 bytes = p.end - p.start;
        if (!candidates_[c].good || (p.mixed && (bytes > 8 || (bytes & (bytes - 1)) != 0)))
          continue;
        if (p.mixed) p.type = int_type(bytes);
        if (p.type.is_void()) continue;  // never accessed itself
        p.variable = static_cast<u32>(variables.types.size());
        variables.types.push_back(p.type);
      }
  }

  // ---- One type per piece

  void make_uniform(Variables& variables) {
    std::vector<std::pair<InstId, std::vector<InstId>>> around;
    for (const Access& a : accesses_) {
      if (!candidates_[a.candidate].good) continue;
      const Piece& p = piece_of(a);
      if (p.variable == kNoVariable) continue;
      if (access_type(g_.insts[a.inst]) != p.type) convert(a, p);
      mark(variables, a.inst, p.variable);
    }
    for (const auto& [id, variable] : marks_) mark(variables, id, variable);
    variables.of.resize(g_.insts.size(), kNoVariable);
    if (!converted_.empty()) put_converted();
  }

  static void mark(Variables& v, InstId id, u32 variable) {
    if (id >= v.of.size()) v.of.resize(id + 1, kNoVariable);
    v.of[id] = variable;
  }

  // New instructions before and after one.
  struct Converted {
    InstId inst;
    std::vector<InstId> before, after;
  };

  ValueId make(std::vector<InstId>& list, Op op, Type t, std::initializer_list<ValueId> ids) {
    list.push_back(g_.make(op, t, ids));
    return g_.insts[list.back()].result;
  }
  // The same bits as another type of the same size.
  ValueId as(std::vector<InstId>& list, ValueId v, Type to) {
    const Type from = g_.type(v);
    if (from == to) return v;
    if (from.kind == Kind::I1) return make(list, Op::zext, to, {v});
    if (to.kind == Kind::I1) return make(list, Op::trunc, to, {v});
    return make(list, Op::bitcast, to, {v});
  }

  void convert(const Access& a, const Piece& p) {
    Converted c{a.inst, {}, {}};
    const u64 shift = (a.offset - p.start) * 8;
    const Type t = access_type(g_.insts[a.inst]);
    const bool part = t.bytes() != p.type.bytes();
    const Type narrow = int_type(t.bytes());
    if (g_.insts[a.inst].op == Op::load) {
      const ValueId old = g_.insts[a.inst].result;
      const InstId whole = g_.make(Op::load, p.type, {g_.operand(g_.insts[a.inst], 0)});
      c.before.push_back(whole);
      marks_.push_back({whole, p.variable});
      ValueId v = g_.insts[whole].result;
      if (part) {
        if (shift != 0) v = make(c.before, Op::lshr, p.type, {v, g_.constant(p.type, shift)});
        v = make(c.before, Op::trunc, narrow, {v});
      }
      g_.replace(old, as(c.before, v, t));
    } else {
      ValueId v = g_.operand(g_.insts[a.inst], 0);
      if (part) {
        const u64 mask = ((u64{1} << t.bytes() * 8) - 1) << shift;
        v = make(c.before, Op::zext, p.type, {as(c.before, v, narrow)});
        if (shift != 0) v = make(c.before, Op::shl, p.type, {v, g_.constant(p.type, shift)});
        const InstId whole = g_.make(Op::load, p.type, {g_.operand(g_.insts[a.inst], 1)});
        c.before.push_back(whole);
        marks_.push_back({whole, p.variable});
        const ValueId rest =
            make(c.before, Op::and_, p.type, {g_.insts[whole].result, g_.constant(p.type, ~mask)});
        v = make(c.before, Op::or_, p.type, {rest, v});
      } else {
        v = as(c.before, v, p.type);
      }
      g_.operands(g_.insts[a.inst])[0] = v;
    }
    converted_.push_back(std::move(c));
  }

  void put_converted() {
    std::vector<u32> index(g_.insts.size(), kNone);
    for (u32 n = 0; n < converted_.size(); ++n) index[converted_[n].inst] = n;
    std::vector<InstId> list;
    for (BlockId b = 0; b < g_.blocks.size(); ++b) {
      list.clear();
      for (const InstId id : g_.blocks[b].instructions) {
        if (index[id] != kNone)
          for (const InstId n : converted_[index[id]].before) {
            list.push_back(n);
            g_.insts[n].block = b;
          }
        list.push_back(id);
      }
      g_.blocks[b].instructions = list;
    }
    g_.settle();
  }

  Graph& g_;
  std::vector<Candidate> candidates_;
  std::vector<Place> places_;  // by value
  std::vector<Access> accesses_;
  std::vector<BulkAccess> bulk_;
  std::vector<std::vector<Piece>> pieces_;  // by candidate, ascending
  std::vector<std::pair<InstId, u32>> marks_;
  std::vector<Converted> converted_;
};

}  // namespace

Variables find_variables(Graph& graph) {
  return Slicer(graph).run();
}

}  // namespace bf::passes
