#include "microjit/emit/attention.h"

#include "microjit/emit/softmax.h"

namespace bf::microjit::emit {

namespace {

constexpr u32 kTile = 16;  // positions
constexpr u32 kHalf = 2, kFloat = 4;

// Arguments that are needed later go to the frame; `out` and `query` stay.
const x86::Gp kOut = x86::rdi, kQuery = x86::rsi, kKeys = x86::rdx, kValues = x86::rcx,
              kScores = x86::r8, kPositions = x86::r9;
const x86::Gp kRowBytes = x86::r10;  // of scores: whole tiles
const x86::Gp kAt = x86::rax, kEnd = x86::r11, kRow = x86::rbx, kKey = x86::r12,
              kElement = x86::r13;
const x86::Gp kWeights[] = {x86::r12, x86::r13, x86::r14};  // of every third query
enum Local : u32 { kFirstKey, kFirstValue };

}  // namespace

void choose_attention(x86::Assembler& a, u64 packed, const asmjit::Label& body) {
  const AttentionSize size(packed);
  const auto argument = [](i32 n) { return x86::qword_ptr(x86::rbp, 16 + 8 * n); };  // on the stack
  const asmjit::Label other = a.newLabel();
  a.test(kPositions, kPositions);
  a.jz(other);
  a.cmp(argument(0), asmjit::Imm(size.queries));
  a.jne(other);
  a.cmp(argument(1), asmjit::Imm(size.head_dim));
  a.jne(other);
  a.cmp(argument(2), asmjit::Imm(size.head_dim));
  a.je(body);
  a.bind(other);
}

void Attention::body(const KernelPlan& plan) {
  const AttentionSize size(plan.shape.size);
  head_dim_ = size.head_dim;
  a_.mov(local(kFirstKey), kKeys);
  a_.mov(local(kFirstValue), kValues);
  a_.lea(kRowBytes, x86::ptr(kPositions, kTile - 1));
  a_.and_(kRowBytes, -static_cast<i32>(kTile));
  a_.shl(kRowBytes, 2);
  a_.vbroadcastss(x86::ymm15, x86::xmm0);
  if (is_512(s_.set())) a_.vbroadcastss(x86::zmm15, x86::xmm0);
  for (u32 q = 0; q < size.queries; q += kTogether) {
    const u32 count = size.queries - q < kTogether ? size.queries - q : kTogether;
    score(q, count);
  }
  a_.mov(kRow, kScores);
  softmax_rows(*this, {kRow, kPositions, kRowBytes, kAt, kEnd}, size.queries, x86::r14d);
  for (u32 q = 0; q < size.queries; q += kTogether) {
    const u32 count = size.queries - q < kTogether ? size.queries - q : kTogether;
    mix(q, count);
  }
}

// scores[query][position] = query . key * scale
void Attention::score(u32 first, u32 count) {
  const asmjit::Label tiles = a_.newLabel();
  a_.mov(kKeys, local(kFirstKey));
  a_.xor_(kEnd.r32(), kEnd.r32());  // bytes of a row that are done
  a_.bind(tiles);
  for (u32 part = 0; part < kTile / s_.lanes(); ++part) {
    a_.mov(kKey, kKeys);
    a_.lea(kElement, x86::ptr(kQuery, static_cast<i32>(first * head_dim_ * kFloat)));
    score_tile(count, part);
    a_.imul(kRow, kRowBytes, first);
    a_.add(kRow, kScores);
    a_.add(kRow, kEnd);
    for (u32 q = 0; q < count; ++q) {
      s_.multiply(V{q}, V{q}, V{15});
      s_.store(x86::ptr(kRow, static_cast<i32>(part * s_.bytes())), V{q});
      if (q + 1 < count) a_.add(kRow, kRowBytes);
    }
  }
  a_.add(kKeys, asmjit::Imm(head_dim_ * kTile * kHalf));
  a_.add(kEnd, kTile * kFloat);
  a_.cmp(kEnd, kRowBytes);
  a_.jb(tiles);
}

// Sums in vectors 0 to count - 1.
void Attention::score_tile(u32 count, u32 part) {
  constexpr u32 kUnroll = 8;
  const V key{kTogether}, product{kTogether + 1};
  for (u32 q = 0; q < count; ++q) s_.zero(V{q});
  const asmjit::Label loop = a_.newLabel();
  a_.mov(kAt.r32(), asmjit::Imm(head_dim_ / kUnroll));
  a_.align(asmjit::AlignMode::kCode, 32);
  a_.bind(loop);
  for (u32 i = 0; i < kUnroll; ++i) {
    s_.halves_to_float(key,
                       x86::ptr(kKey, static_cast<i32>(i * kTile * kHalf + part * s_.bytes() / 2)));
    for (u32 q = 0; q < count; ++q) {
      const V to{product.n + q % 4};
      s_.multiply_word(to, key, x86::ptr(kElement, static_cast<i32>((q * head_dim_ + i) * kFloat)),
                       to);
      s_.add(V{q}, V{q}, to);
    }
  }
  a_.add(kKey, kUnroll * kTile * kHalf);
  a_.add(kElement, kUnroll * kFloat);
  a_.dec(kAt.r32());
  a_.jnz(loop);
}

// ---- Mixture of values
// ---------------------------------------------------------------------------

// out[query] = sum of scores[query][position] * value[position]
void Attention::mix(u32 first, u32 count) {
  for (u32 column = 0; column < head_dim_; column += s_.lanes()) {
    a_.imul(kWeights[0], kRowBytes, first);
    a_.add(kWeights[0], kScores);
    a_.lea(kAt, x86::ptr(kRowBytes, kRowBytes, 1));
    a_.lea(kWeights[1], x86::ptr(kWeights[0], kAt));
    a_.lea(kWeights[2], x86::ptr(kWeights[1], kAt));
    a_.mov(kValues, local(kFirstValue));
    mix_columns(count, column);
    for (u32 q = 0; q < count; ++q)
      s_.store(x86::ptr(kOut, static_cast<i32>(((first + q) * head_dim_ + column) * kFloat)), V{q});
  }
}

void Attention::mix_columns(u32 count, u32 column) {
  constexpr u32 kUnroll = 4;
  const asmjit::Label fours = a_.newLabel(), ones = a_.newLabel(), done = a_.newLabel();
  const auto go_on = [&](u32 positions) {
    for (u32 n = 0; n * 3 < count; ++n) a_.add(kWeights[n], positions * kFloat);
    a_.add(kValues, asmjit::Imm(positions * head_dim_ * kHalf));
    a_.sub(kEnd, positions);
  };
  for (u32 q = 0; q < count; ++q) s_.zero(V{q});
  a_.mov(kEnd, kPositions);
  a_.align(asmjit::AlignMode::kCode, 32);
  a_.bind(fours);
  a_.cmp(kEnd, kUnroll);
  a_.jb(ones);
  for (u32 n = 0; n < kUnroll; ++n) mix_position(count, column, n);
  go_on(kUnroll);
  a_.jmp(fours);
  a_.bind(ones);
  a_.test(kEnd, kEnd);
  a_.jz(done);
  mix_position(count, column, 0);
  go_on(1);
  a_.jmp(ones);
  a_.bind(done);
}

void Attention::mix_position(u32 count, u32 column, u32 ahead) {
  const V value{kTogether}, product{kTogether + 1};
  s_.halves_to_float(value,
                     x86::ptr(kValues, static_cast<i32>((ahead * head_dim_ + column) * kHalf)));
  for (u32 q = 0; q < count; ++q) {
    const V to{product.n + q % 4};
    s_.multiply_word(to, value, weight(q, ahead), to);
    s_.add(V{q}, V{q}, to);
  }
}

x86::Mem Attention::weight(u32 query, u32 ahead) const {
  const x86::Gp base = kWeights[query / 3];
  const auto d = static_cast<i32>(ahead * kFloat);
  return query % 3 == 0 ? x86::ptr(base, d) : x86::ptr(base, kRowBytes, query % 3 - 1, d);
}

}  // namespace bf::microjit::emit
