#include "microjit/emit/quantize_q8.h"

namespace bf::microjit::emit {

namespace {

constexpr u32 kBlock = 32, kFloat = 4;
constexpr float kQuants[] = {127.0f, 126.0f, 125.0f, 124.0f};  // what the largest value may become
constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: its sum with a small number is that, rounded

// Vectors. Those from kOfBlocks on are one for each block that is being done, or two.
constexpr V kLargest{0}, kReciprocal{1}, kBest{2}, kLeast{3}, kScale{4}, kInverse{5}, kOfBlocks{6},
    kX{10}, kScaleOfBlock{11}, kInverseOfBlock{12}, kOther{13}, kError{14}, kRounding{15};

class Quantizer {
 public:
  Quantizer(EmittedFunction& f, const QuantizeRegisters& r, u64 columns)
      : f_(f),
        s_(f.simd()),
        a_(s_.gp()),
        r_(r),
        columns_(columns),
        together_(s_.bytes() / 16),
        parts_(kBlock / s_.lanes()) {}

  void emit() {
    const u64 blocks = columns_ / kBlock, rounds = blocks / together_;
    a_.lea(r_.meta, x86::ptr(r_.out, static_cast<i32>(columns_)));
    s_.load(kRounding, f_.number(kRound));
    if (rounds != 0) {
      const asmjit::Label loop = a_.newLabel();
      a_.mov(r_.left.r32(), asmjit::Imm(rounds));
      a_.align(asmjit::AlignMode::kCode, 32);
      a_.bind(loop);
      count_ = together_;
      quantize();
      a_.add(r_.out, together_ * kBlock);
      a_.add(r_.x, together_ * kBlock * kFloat);
      a_.add(r_.meta, together_ * kFloat);
      a_.dec(r_.left.r32());
      a_.jnz(loop);
    }
    count_ = static_cast<u32>(blocks % together_);
    if (count_ != 0) quantize();
  }

 private:
  // A vector of a block. Where there is no such block any more, another one is done once again.
  x86::Mem x(u32 block, u32 part) const {
    const u32 b = block < count_ ? block : 0;
    return x86::ptr(r_.x, static_cast<i32>(b * kBlock * kFloat + part * s_.bytes()));
  }
  static V of_block(u32 block) { return {kOfBlocks.n + block}; }

  void quantize() {
    for (u32 b = 0; b < together_; ++b) magnitudes(b);
    reduce(&Simd::maximum, kOfBlocks, kLargest);
    s_.shuffle_lanes(kLargest, kLargest, 0);
    s_.load(kReciprocal, f_.number(1.0f));
    s_.divide(kReciprocal, kReciprocal, kLargest);
    s_.clear_where_zero(kReciprocal, kLargest, kX);
    for (const float quant : kQuants) try_quant(quant);
    s_.multiply(kInverse, kReciprocal, kBest);
    s_.divide(kScale, kLargest, kBest);
    for (u32 b = 0; b < together_; ++b) round(b);
    store_meta();
  }

  // The larger |x| of each column and the one 16 on, joined as far as vectors have to be.
  void magnitudes(u32 b) {
    const u32 halves = parts_ / 2;
    for (u32 h = 0; h < halves; ++h) {
      const V to = h == 0 ? of_block(b) : kOther;
      s_.load(to, x(b, h));
      s_.bit_and(to, to, f_.splat(0x7fffffff));
      s_.load(kX, x(b, h + halves));
      s_.bit_and(kX, kX, f_.splat(0x7fffffff));
      s_.maximum(to, to, kX);
    }
    if (halves == 2) s_.maximum(of_block(b), of_block(b), kOther);
  }

  void try_quant(float quant) {
    s_.multiply(kScale, kLargest, f_.number(1.0f / quant));
    s_.multiply(kInverse, kReciprocal, f_.number(quant));
    for (u32 b = 0; b < together_; ++b) {
      s_.splat_piece(kScaleOfBlock, kScale, b);
      s_.splat_piece(kInverseOfBlock, kInverse, b);
      const u32 halves = parts_ / 2;
      for (u32 h = 0; h < halves; ++h) {
        const V to = h == 0 ? of_block(b) : kOther;
        squared_error(to, x(b, h));
        squared_error(kX, x(b, h + halves));
        s_.add(to, to, kX);
      }
      if (halves == 2) s_.add(of_block(b), of_block(b), kOther);
    }
    reduce(&Simd::add, kOfBlocks, kError);
    if (quant == kQuants[0]) {
      s_.load(kBest, f_.number(quant));
      s_.move(kLeast, kError);
      return;
    }
    s_.choose_where_less(kBest, kError, kLeast, f_.number(quant), kX);
    s_.minimum(kLeast, kError, kLeast);
  }

  void squared_error(V to, const x86::Mem& from) {
    s_.multiply(to, kInverseOfBlock, from);
    s_.add(to, to, kRounding);
    s_.subtract(to, to, kRounding);
    s_.multiply(to, to, kScaleOfBlock);
    s_.subtract(to, to, from);
    s_.multiply(to, to, to);
  }

  // Vector `first` + b of each block b to one number of each: 8 lanes apart, 4, 2, 1, as
  // reduce_four() of src/inference/vector.h does it. Uses kX and kOther.
  void reduce(void (Simd::*join)(V, V, Source), V first, V to) {
    const auto v = [&](u32 n) { return V{first.n + n}; };
    if (is_512(s_.set())) {
      pair_up(join, v(0), v(0), v(1), 0x44, 0xee);
      pair_up(join, v(2), v(2), v(3), 0x44, 0xee);
      pair_up(join, to, v(0), v(2), 0x88, 0xdd);
    } else {
      a_.vperm2f128(x86::ymm(kX.n), x86::ymm(v(0).n), x86::ymm(v(1).n), 0x20);
      a_.vperm2f128(x86::ymm(kOther.n), x86::ymm(v(0).n), x86::ymm(v(1).n), 0x31);
      (s_.*join)(to, kX, kOther);
    }
    for (const u32 order : {0x4e, 0xb1}) {
      s_.shuffle_lanes(kX, to, order);
      (s_.*join)(to, to, kX);
    }
  }
  // Pieces of a and b side by side.
  void pair_up(void (Simd::*join)(V, V, Source), V to, V a, V b, u32 low, u32 high) {
    a_.vshuff32x4(x86::zmm(kX.n), x86::zmm(a.n), x86::zmm(b.n), low);
    a_.vshuff32x4(x86::zmm(kOther.n), x86::zmm(a.n), x86::zmm(b.n), high);
    (s_.*join)(to, kX, kOther);
  }

  // The values of a block; what its halves are for their sums.
  void round(u32 b) {
    const V four[] = {kX, kScaleOfBlock, kOther, kError};
    s_.splat_piece(kInverseOfBlock, kInverse, b);
    for (u32 part = 0; part < parts_; ++part) {
      s_.multiply(four[part], kInverseOfBlock, x(b, part));
      s_.add(four[part], four[part], kRounding);
      s_.shift_left32(four[part], four[part], 24);
      s_.shift_right32_signed(four[part], four[part], 24);
    }
    if (is_512(s_.set())) {
      s_.move(of_block(b), four[0]);
      s_.move(second_half(b), four[1]);
    } else {
      s_.add32(of_block(b), four[0], four[1]);
      s_.add32(second_half(b), four[2], four[3]);
    }
    if (b < count_) store_values(b, four);
  }
  V second_half(u32 b) const { return {is_512(s_.set()) ? 16 + b : kOfBlocks.n + together_ + b}; }

  void store_values(u32 b, const V* four) {
    const auto at = static_cast<i32>(b * kBlock);
    if (is_512(s_.set())) {
      a_.vpmovdb(x86::xmmword_ptr(r_.out, at), x86::zmm(four[0].n));
      a_.vpmovdb(x86::xmmword_ptr(r_.out, at + 16), x86::zmm(four[1].n));
      return;
    }
    const auto v = [&](u32 n) { return x86::ymm(four[n].n); };
    a_.vpackssdw(v(0), v(0), v(1));
    a_.vpackssdw(v(2), v(2), v(3));
    a_.vpacksswb(v(0), v(0), v(2));
    s_.load(four[1], f_.lanes({0, 4, 1, 5, 2, 6, 3, 7, 0, 0, 0, 0, 0, 0, 0, 0}));
    s_.permute_lanes(four[0], four[1], four[0]);
    s_.store(x86::ptr(r_.out, at), four[0]);
  }

  void store_meta() {
    const V halves = kBest, second = kLeast, sum = kOther, order = kError;
    reduce(&Simd::add32, kOfBlocks, halves);
    reduce(&Simd::add32, second_half(0), second);
    s_.add32(sum, halves, second);
    s_.to_float(sum, sum);
    s_.multiply(sum, sum, kScale);
    s_.bit_and(halves, halves, f_.splat(0xffff));
    s_.shift_left32(second, second, 16);
    s_.bit_or(halves, halves, second);
    s_.load(order, f_.lanes({0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    const V each[] = {kScale, sum, halves};
    const u64 kind_bytes = columns_ / kBlock * kFloat;
    for (u32 n = 0; n < 3; ++n) {
      s_.permute_lanes(each[n], order, each[n]);
      store_words(x86::ptr(r_.meta, static_cast<i32>(n * kind_bytes)), x86::xmm(each[n].n));
    }
  }
  // The first count_ words.
  void store_words(const x86::Mem& to, const x86::Xmm& from) {
    if (count_ == 4) return void(a_.vmovdqu(to, from));
    count_ == 1 ? a_.vmovd(to, from) : a_.vmovq(to, from);
    if (count_ == 3) a_.vpextrd(to.cloneAdjusted(8), from, 2);
  }

  EmittedFunction& f_;
  Simd& s_;
  x86::Assembler& a_;
  const QuantizeRegisters& r_;
  const u64 columns_;
  const u32 together_, parts_;  // blocks; vectors of one
  u32 count_ = 0;               // blocks that there are
};

}  // namespace

void quantize_row(EmittedFunction& f, const QuantizeRegisters& r, u64 columns) {
  Quantizer(f, r, columns).emit();
}

}  // namespace bf::microjit::emit
