// The loops of a matrix product: groups of 16 rows, tiles of tokens, blocks of columns.
//
// One token may take several groups side by side: a block of the first, the same of the second. Memory
// reads two streams faster than one.
//
// With 32-byte vectors a group is two *row parts* of eight rows: few tokens take both at once, more take
// one after the other. What is done with a block is the derived class's.
#pragma once

#include "microjit/emit/emitted_function.h"

namespace bf::microjit::emit {

class MatmulLoops : public EmittedFunction {
 public:
  using EmittedFunction::EmittedFunction;

  // A vector's worth of a packed unit of `unit_bytes` a row; its group begins `offset` bytes into the
  // block's.
  x86::Mem packed(u32 offset, u32 unit_bytes, u32 row_part) const;
  // The row parts that are being worked on.
  u32 row_parts() const { return row_parts_; }
  u32 first_row_part() const { return row_part_; }

 protected:
  static constexpr u32 kGroupRows = 16, kTokensOfBase = 3, kLocals = 10;

  // ---- Of the derived class ----
  virtual u32 block_columns() const = 0;
  virtual u32 block_bytes() const = 0;  // of one row of packed weights in them
  virtual u64 activation_bytes() const = 0;    // from one token's row to the next one's
  virtual u32 activation_step() const = 0;     // bytes of them that a block takes
  // Whether registers suffice for so many accumulators of row parts and tokens.
  virtual bool fits(u32 row_parts, u32 tokens) const = 0;
  virtual void load_constants() {}
  virtual void place_bases();
  virtual void block() = 0;
  virtual void move_on(u32 blocks) = 0;  // of the bases

  u64 columns() const { return plan_->shape.size; }
  const KernelPlan& plan() const { return *plan_; }
  u32 tile() const { return tile_; }
  // Which block of the round is being emitted: weights and bases are where the first one's are.
  u32 block_of_round() const { return block_of_round_; }
  // The accumulator of a row part and a token, of the group that is being emitted; and how many there
  // are in all.
  V sum(u32 p, u32 t) const { return {(stream_ * row_parts_ + p) * tile_ + t}; }
  u32 sums() const { return streams_ * row_parts_ * tile_; }
  // Bytes of a token's activations from where the block begins.
  x86::Mem token(u32 first_base, u32 t, i64 displacement) const;
  static x86::Gp base(u32 n);  // 0 to 3: of activations; 4 to 7: the derived class's
  void move_bases(u32 first, u32 bytes);
  // Of `out`, in bytes, to stride_register().
  virtual void load_stride();
  static x86::Gp stride_register();
  // The product; arguments are in registers. Keeps none of them, and no vectors.
  void body(const KernelPlan& plan) override;
  // What the plan says of prefetching, at the beginning of one of the block's parts.
  void prefetch(u32 part, u32 parts);

 private:
  void choose(const KernelPlan& plan, const asmjit::Label& body) override;
  void count_tiles();
  bool has_tile(u32 tokens) const;
  void groups(u32 streams);
  u64 group_bytes() const { return columns() / block_columns() * block_bytes() * kGroupRows; }
  void tiles_of_group();
  void whole_tile(u32 tokens);
  void row_parts_of_tile();
  void round_of_blocks(u32 blocks);
  void store_sums(u32 row_part);
  bool fetches_next_group() const;

  const KernelPlan* plan_ = nullptr;
  u32 tile_ = 1, row_parts_ = 1, row_part_ = 0, block_of_round_ = 0;
  u32 streams_ = 1, stream_ = 0;
};

}  // namespace bf::microjit::emit
