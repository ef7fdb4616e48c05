// Switches of few ways become comparisons, which other passes know how to turn, move and fuse.
//
//   switch %x, default, [9: blank, 10: blank, 13: blank, 32: blank, 34: quote]
//
// becomes `%x == 34`, and for the blanks, which lie within 64 of each other, `%x - 9 <= 23` and a
// bit of a mask. A switch of more ways stays one: a search or a table is for the code generator.
// Clang makes switches of any two comparisons with constants, so loops over text consist of them.
#include <algorithm>
#include <vector>

#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

class Expander {
 public:
  explicit Expander(Graph& graph) : g_(graph) {}

  bool run() {
    bool changed = false;
    const usize count = g_.blocks.size();  // those that are made here have no switches
    for (BlockId b = 0; b < count; ++b) {
      if (g_.blocks[b].instructions.empty() || g_.terminator(b).op != Op::switch_) continue;
      if (!group_cases(g_.terminator(b)) || !few_ways()) continue;
      expand(b);
      changed = true;
    }
    return changed;
  }

 private:
  // Cases that lead the same way.
  struct Group {
    u32 edge;  // one of theirs
    std::vector<u64> values;

    u64 least() const { return values.front(); }
    u64 width() const { return values.back() - values.front(); }
    bool is_range() const { return width() == values.size() - 1; }
    bool is_mask() const { return width() < 64; }
    // Comparisons that it takes.
    usize cost() const { return values.size() <= 2 || is_range() ? values.size() : 2; }
  };

  bool same_way(const Inst& t, u32 a, u32 b) const {
    const Edge one = g_.edges(t)[a], two = g_.edges(t)[b];
    return one.block == two.block && std::ranges::equal(g_.arguments(one), g_.arguments(two));
  }

  // Cases of the default's way need none. False for no cases.
  bool group_cases(const Inst& t) {
    groups_.clear();
    const u64 mask = ~u64{0} >> (64 - g_.type(g_.operand(t, 0)).element_bits());
    for (u32 n = 1; n < t.edge_count; ++n) {
      if (same_way(t, 0, n)) continue;
      const auto known =
          std::ranges::find_if(groups_, [&](const Group& g) { return same_way(t, g.edge, n); });
      Group& group = known == groups_.end() ? groups_.emplace_back(Group{n, {}}) : *known;
      group.values.push_back(g_.cases[t.aux + n - 1] & mask);
    }
    for (Group& group : groups_) std::ranges::sort(group.values);
    return !groups_.empty();
  }

  bool few_ways() const {
    constexpr usize kMostComparisons = 4;
    usize comparisons = 0;
    for (const Group& group : groups_) {
      if (group.values.size() > 2 && !group.is_range() && !group.is_mask()) return false;
      comparisons += group.cost();
    }
    return comparisons <= kMostComparisons;
  }

  ValueId emit(BlockId b, Op op, Type type, ValueId x, ValueId y) {
    const InstId id = g_.make(op, type, {x, y}, 0, 0, location_);
    g_.append(b, id);
    return g_.insts[id].result;
  }

  // Ends `b` with a branch to the group's way; gives the block for the other way.
  BlockId branch(BlockId b, ValueId condition, const Graph::Jump& yes) {
    const BlockId no_block = g_.add_block();
    const Graph::Jump jumps[] = {yes, {no_block, {}}};
    g_.append(b, g_.make_jump(Op::br_if, {&condition, 1}, jumps, location_));
    return no_block;
  }

  void expand(BlockId b) {
    const InstId old = g_.blocks[b].instructions.back();
    location_ = g_.insts[old].location;
    x_ = g_.operand(g_.insts[old], 0);
    g_.insts[old].block = kNoBlock;
    g_.blocks[b].instructions.pop_back();
    for (const Group& group : groups_) b = test(b, old, group);
    const Way otherwise = way(old, 0);
    const Graph::Jump jump = otherwise.jump();
    g_.append(b, g_.make_jump(Op::br, {}, {&jump, 1}, location_));
  }

  struct Way {
    BlockId block;
    std::vector<ValueId> arguments;
    Graph::Jump jump() const { return {block, arguments}; }
  };
  Way way(InstId old, u32 edge) const {
    const Edge e = g_.edges(g_.insts[old])[edge];
    const auto arguments = g_.arguments(e);
    return {e.block, {arguments.begin(), arguments.end()}};
  }

  // Appends the test for a group to a block; gives the block behind the test.
  BlockId test(BlockId b, InstId old, const Group& group) {
    const Way yes = way(old, group.edge);
    const Type type = g_.type(x_), i1 = {ir::Kind::I1};
    if (group.cost() == 1 && group.values.size() == 1)
      return branch(b, emit(b, Op::eq, i1, x_, g_.constant(type, group.least())), yes.jump());
    if (group.values.size() == 2 && !group.is_range()) {
      for (const u64 value : group.values)
        b = branch(b, emit(b, Op::eq, i1, x_, g_.constant(type, value)), yes.jump());
      return b;
    }
    const ValueId offset =
        group.least() == 0 ? x_ : emit(b, Op::sub, type, x_, g_.constant(type, group.least()));
    const ValueId inside = emit(b, Op::ule, i1, offset, g_.constant(type, group.width()));
    if (group.is_range()) return branch(b, inside, yes.jump());
    return test_mask(b, inside, offset, group, yes);
  }

  // The values of a group are bits of a constant. What is outside its range goes on with the next
  // test, and so does what is inside and no member.
  BlockId test_mask(BlockId b, ValueId inside, ValueId offset, const Group& group, const Way& yes) {
    constexpr Type i64 = {ir::Kind::I64};
    u64 mask = 0;
    for (const u64 value : group.values) mask |= u64{1} << (value - group.least());
    const BlockId member = g_.add_block(), next = g_.add_block();
    const Graph::Jump jumps[] = {{member, {}}, {next, {}}};
    g_.append(b, g_.make_jump(Op::br_if, {&inside, 1}, jumps, location_));
    const u32 bits = g_.type(offset).element_bits();
    ValueId shift = offset;
    if (bits < 64) {
      const InstId wide = g_.make(Op::zext, i64, {offset}, 0, 0, location_);
      g_.append(member, wide);
      shift = g_.insts[wide].result;
    }
    const ValueId shifted = emit(member, Op::lshr, i64, g_.constant(i64, mask), shift);
    const ValueId bit = emit(member, Op::and_, i64, shifted, g_.constant(i64, 1));
    const ValueId set = emit(member, Op::ne, {ir::Kind::I1}, bit, g_.constant(i64, 0));
    const Graph::Jump ways[] = {yes.jump(), {next, {}}};
    g_.append(member, g_.make_jump(Op::br_if, {&set, 1}, ways, location_));
    return next;
  }

  Graph& g_;
  std::vector<Group> groups_;
  ValueId x_ = kNoValue;
  ir::Location location_ = 0;
};

}  // namespace

bool expand_switches(Graph& graph, const Context&) {
  return Expander(graph).run();
}

}  // namespace bf::passes
