// What decoding knows of a function before it makes the first cell: which instructions need no cell
// of their own, and which values share a place in the frame.
//
// Effective operands: a cell reads the operands of what it absorbs (an address, the sign extension of
// its index, the compare of a branch) instead of the result; a truncation is its operand, read
// narrower. Uses are counted and live ranges found with those.
#pragma once

#include <vector>

#include "microjit/ir/dominators.h"

namespace bf::microjit::interp {

class Analysis {
 public:
  explicit Analysis(const ir::Function& function);

  bool reachable(ir::BlockId b) const { return dominators_.reachable(b); }
  // The value whose bits `v` has.
  ir::ValueId root(ir::ValueId v) const {
    while (alias_[v] != v) v = alias_[v];
    return v;
  }
  // Whether the instruction that makes `v` has no cell: its users do what it does.
  bool absorbed(ir::ValueId v) const { return absorbed_[v]; }
  // Whether an instruction is left out: absorbed, or nothing but another name.
  bool has_no_cell(const ir::Instruction& i) const {
    return i.result != ir::kNoValue && (absorbed_[i.result] || alias_[i.result] != i.result);
  }
  // Of a root: by cells and edges.
  u32 uses(ir::ValueId v) const { return uses_[v]; }
  // Values of one group never hold different things at the same time: block arguments and what is
  // passed for them, where that is so. The number of a value that stands for all.
  ir::ValueId group(ir::ValueId v) {
    while (group_[v] != v) v = group_[v] = group_[group_[v]];
    return v;
  }

  // The effective operands of an instruction that has a cell: roots, constants included.
  template <class F>
  void for_each_operand(const ir::Instruction& i, F f) const {
    for (const u32 operand : f_.operands_of(i)) {
      const ir::ValueId v = root(operand);
      if (absorbed_[v]) for_each_operand(f_.instructions[f_.values[v].index], f);
      else f(v);
    }
  }

 private:
  struct Segment {
    u32 start, end;  // half open
  };
  struct Use {
    ir::BlockId block;
    u32 position;
  };
  struct Range {
    std::vector<Segment> segments;
    bool known = false;
  };

  void find_aliases();
  void find_absorbed();
  bool absorbs(const ir::Instruction& user, u32 operand, const ir::Instruction& made) const;
  void count_uses();
  void coalesce();
  void list_uses();
  bool may_share(ir::ValueId v) const;
  Range& range(ir::ValueId group_or_value);
  void find_range(ir::ValueId v, Range& range);
  void try_to_join(ir::ValueId a, ir::ValueId b);
  ir::BlockId block_of(ir::ValueId v) const;
  u32 definition(ir::ValueId v) const;
  u32 block_start(ir::BlockId b) const { return 3 * f_.blocks[b].first_instruction; }
  u32 block_end(ir::BlockId b) const {
    return 3 * (f_.blocks[b].first_instruction + f_.blocks[b].instruction_count);
  }

  const ir::Function& f_;
  const ir::Dominators dominators_;
  std::vector<ir::ValueId> alias_;
  std::vector<bool> absorbed_;
  std::vector<u32> uses_;
  std::vector<ir::ValueId> group_;
  std::vector<Range> ranges_;              // of groups, by their number
  std::vector<ir::BlockId> instruction_block_;
  std::vector<u32> first_use_;             // by value, into use_list_; one more at the end
  std::vector<Use> use_list_;
  std::vector<u32> seen_;                  // by block: the last value that was alive at its end
  u32 budget_ = 4'000'000;                 // steps of finding and comparing live ranges
};

// A scalar compare.
bool is_compare(const ir::Function& f, const ir::Instruction& i);

}  // namespace bf::microjit::interp
