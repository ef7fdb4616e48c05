#include "microjit/emit/attention.h"

#include <bit>

namespace bf::microjit::emit {

namespace {

constexpr u32 kTile = 16;  // positions
constexpr u32 kHalf = 2, kFloat = 4;

// Arguments that are needed later go to the frame; `out` and `query` stay.
const x86::Gp kOut = x86::rdi, kQuery = x86::rsi, kKeys = x86::rdx, kValues = x86::rcx,
              kScores = x86::r8, kPositions = x86::r9;
const x86::Gp kRowBytes = x86::r10;  // of scores: whole tiles
const x86::Gp kAt = x86::rax, kEnd = x86::r11, kRow = x86::rbx, kKey = x86::r12, kElement = x86::r13;
const x86::Gp kWeights[] = {x86::r12, x86::r13, x86::r14};  // of every third query
enum Local : u32 { kFirstKey, kFirstValue };

u32 bits(float x) { return std::bit_cast<u32>(x); }

constexpr float kNothing = -1e30f;

}  // namespace

void Attention::choose(const KernelPlan& plan, const asmjit::Label& body) {
  const AttentionSize size(plan.shape.size);
  const asmjit::Label other = a_.newLabel();
  a_.cmp(stack_argument(0), asmjit::Imm(size.queries));
  a_.jne(other);
  a_.cmp(stack_argument(1), asmjit::Imm(size.head_dim));
  a_.jne(other);
  a_.cmp(stack_argument(2), asmjit::Imm(size.head_dim));
  a_.je(body);
  a_.bind(other);
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
  softmax(size.queries);
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
    s_.halves_to_float(key, x86::ptr(kKey, static_cast<i32>(i * kTile * kHalf + part * s_.bytes() / 2)));
    for (u32 q = 0; q < count; ++q) {
      const V to{product.n + q % 4};
      s_.multiply_word(to, key, x86::ptr(kElement, static_cast<i32>((q * head_dim_ + i) * kFloat)), to);
      s_.add(V{q}, V{q}, to);
    }
  }
  a_.add(kKey, kUnroll * kTile * kHalf);
  a_.add(kElement, kUnroll * kFloat);
  a_.dec(kAt.r32());
  a_.jnz(loop);
}

// ---- Softmax, row by row -----------------------------------------------------------------------

void Attention::softmax(u32 count) {
  const asmjit::Label rows = a_.newLabel();
  a_.mov(kRow, kScores);
  a_.mov(x86::r14d, asmjit::Imm(count));
  a_.bind(rows);
  fill_tail(bits(kNothing));
  greatest_of_row();
  exponentials();
  scale_row();
  fill_tail(0);
  a_.add(kRow, kRowBytes);
  a_.dec(x86::r14d);
  a_.jnz(rows);
}

// The rest of the last tile.
void Attention::fill_tail(u32 word) {
  const asmjit::Label loop = a_.newLabel(), done = a_.newLabel();
  a_.lea(kAt, x86::ptr(kRow, kPositions, 2));
  a_.lea(kEnd, x86::ptr(kRow, kRowBytes));
  a_.bind(loop);
  a_.cmp(kAt, kEnd);
  a_.jae(done);
  a_.mov(x86::dword_ptr(kAt), asmjit::Imm(word));
  a_.add(kAt, kFloat);
  a_.jmp(loop);
  a_.bind(done);
}

// Vector 0: the greatest of all, in all lanes.
void Attention::greatest_of_row() {
  const V greatest{0}, x{1};
  const asmjit::Label loop = a_.newLabel();
  s_.load(greatest, splat(bits(kNothing)));
  a_.mov(kAt, kRow);
  a_.bind(loop);
  s_.load(x, x86::ptr(kAt));
  s_.maximum(greatest, greatest, x);
  a_.add(kAt, s_.bytes());
  a_.cmp(kAt, kEnd);
  a_.jb(loop);
  if (is_512(s_.set())) {
    a_.vextractf64x4(x86::ymm1, x86::zmm0, 1);
    a_.vmaxps(x86::ymm0, x86::ymm0, x86::ymm1);
  }
  a_.vextractf128(x86::xmm1, x86::ymm0, 1);
  a_.vmaxps(x86::xmm0, x86::xmm0, x86::xmm1);
  a_.vpshufd(x86::xmm1, x86::xmm0, 0x4e);
  a_.vmaxps(x86::xmm0, x86::xmm0, x86::xmm1);
  a_.vpshufd(x86::xmm1, x86::xmm0, 0xb1);
  a_.vmaxps(x86::xmm0, x86::xmm0, x86::xmm1);
  if (is_512(s_.set()))
    a_.vbroadcastss(x86::zmm0, x86::xmm0);
  else
    a_.vbroadcastss(x86::ymm0, x86::xmm0);
}

// row = exp(row - vector 0); what they sum up to, 1 / that is in all lanes of vector 0 then.
void Attention::exponentials() {
  const V shift{0}, even{1}, odd{2}, x{3};
  const asmjit::Label loop = a_.newLabel();
  s_.zero(even);
  s_.zero(odd);
  a_.mov(kAt, kRow);
  a_.bind(loop);
  for (u32 part = 0; part < kTile / s_.lanes(); ++part) {
    const x86::Mem at = x86::ptr(kAt, static_cast<i32>(part * s_.bytes()));
    s_.load(x, at);
    s_.subtract(x, x, shift);
    exponential(x);
    const V total = part == 0 ? even : odd;
    s_.add(total, total, x);
    s_.store(at, x);
  }
  a_.add(kAt, kTile * kFloat);
  a_.cmp(kAt, kEnd);
  a_.jb(loop);
  add_up(even, odd);
}

// As exp_lanes of src/inference/math.h. Uses vectors 4 to 7.
void Attention::exponential(V x) {
  const V shifted{4}, n{5}, r{6}, p{7};
  const auto number = [&](float f) { return splat(bits(f)); };
  s_.load(p, number(-87.0f));
  s_.maximum(x, p, x);
  s_.load(p, number(88.0f));
  s_.minimum(x, p, x);
  s_.multiply(shifted, x, number(1.44269504f));
  s_.add(shifted, shifted, number(12582912.0f));
  s_.subtract(n, shifted, number(12582912.0f));
  s_.multiply(r, n, number(0.693359375f));
  s_.subtract(r, x, r);
  s_.multiply(n, n, number(-2.12194440e-4f));
  s_.subtract(r, r, n);
  s_.load(p, number(1.9875691500e-4f));
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                        5.0000001201e-1f}) {
    s_.multiply(p, p, r);
    s_.add(p, p, number(c));
  }
  s_.multiply(n, r, r);
  s_.multiply(p, p, n);
  s_.add(p, p, r);
  s_.add(p, p, number(1.0f));
  s_.shift_left32(shifted, shifted, 23);
  s_.add32(x, p, shifted);
}

// Lanes are added in the order of sum() in src/inference/vector.h: 8 apart, 4, 2, 1.
void Attention::add_up(V even, V odd) {
  if (is_512(s_.set())) {
    a_.vextractf64x4(x86::ymm(odd.n), x86::zmm(even.n), 1);
  }
  a_.vaddps(x86::ymm0, x86::ymm(even.n), x86::ymm(odd.n));
  a_.vextractf128(x86::xmm1, x86::ymm0, 1);
  a_.vaddps(x86::xmm0, x86::xmm0, x86::xmm1);
  a_.vpshufd(x86::xmm1, x86::xmm0, 0x4e);
  a_.vaddps(x86::xmm0, x86::xmm0, x86::xmm1);
  a_.vpshufd(x86::xmm1, x86::xmm0, 0xb1);
  a_.vaddps(x86::xmm0, x86::xmm0, x86::xmm1);
  a_.mov(kAt.r32(), asmjit::Imm(bits(1.0f)));
  a_.vmovd(x86::xmm1, kAt.r32());
  a_.vdivss(x86::xmm0, x86::xmm1, x86::xmm0);
  if (is_512(s_.set()))
    a_.vbroadcastss(x86::zmm0, x86::xmm0);
  else
    a_.vbroadcastss(x86::ymm0, x86::xmm0);
}

void Attention::scale_row() {
  const V x{1};
  const asmjit::Label loop = a_.newLabel();
  a_.mov(kAt, kRow);
  a_.bind(loop);
  s_.multiply(x, V{0}, x86::ptr(kAt));
  s_.store(x86::ptr(kAt), x);
  a_.add(kAt, s_.bytes());
  a_.cmp(kAt, kEnd);
  a_.jb(loop);
}

// ---- Mixture of values ---------------------------------------------------------------------------

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
  s_.halves_to_float(value, x86::ptr(kValues, static_cast<i32>((ahead * head_dim_ + column) * kHalf)));
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

// ---- As the autotuner sees it -------------------------------------------------------------------

namespace {

struct AttentionCall {
  float* out;
  const float* query;
  const void* keys;
  const void* values;
  float* scores;
  u64 positions, queries, stride, head_dim;
  float scale;

  explicit AttentionCall(const KernelCall& call)
      : out(reinterpret_cast<float*>(call.general[0])),
        query(reinterpret_cast<const float*>(call.general[1])),
        keys(reinterpret_cast<const void*>(call.general[2])),
        values(reinterpret_cast<const void*>(call.general[3])),
        scores(reinterpret_cast<float*>(call.general[4])),
        positions(call.general[5]), queries(call.stack[0]), stride(call.stack[1]),
        head_dim(call.stack[2]),
        scale(std::bit_cast<float>(static_cast<u32>(call.vector[0]))) {}

  void run(const void* entry) const {
    using Function = void (*)(float*, const float*, const void*, const void*, float*, u64, u64, u64,
                              u64, float);
    reinterpret_cast<Function>(const_cast<void*>(entry))(out, query, keys, values, scores, positions,
                                                         queries, stride, head_dim, scale);
  }
};

class AttentionKernel final : public Kernel {
 public:
  CallShape shape(const KernelCall& call) const override {
    const AttentionCall c(call);
    // Where rows do not follow each other, no size is right.
    return {c.stride == c.head_dim ? AttentionSize(c.head_dim, c.queries).packed() : 0, c.positions};
  }
  KernelShape kind_of(const CallShape& shape) const override { return {shape.size, 0}; }
  usize plans(const KernelCall& call, Set, std::span<KernelPlan, kMostPlans> out) const override {
    const CallShape of = shape(call);
    if (!AttentionSize(of.size).is_good()) return 0;
    out[0] = {kind_of(of), 1, 0};
    return 1;
  }
  Result<CompiledCode> emit(std::span<const KernelPlan> plans,
                            const EmitOptions& options) const override {
    return emit_function<Attention>(plans, options);
  }
  void run(const void* entry, const KernelCall& call) const override {
    AttentionCall(call).run(entry);
  }
  u64 work(const KernelCall& call) const override { return AttentionCall(call).positions; }

  std::vector<u8> outcome(const void* entry, const KernelCall& call) const override {
    AttentionCall c(call);
    std::vector<u8> out(c.queries * c.head_dim * kFloat);
    c.out = reinterpret_cast<float*>(out.data());
    c.run(entry);  // scores are scratch: the call itself fills them again
    return out;
  }
  void describe(const KernelPlan& plan, Text& text) const override {
    const AttentionSize size(plan.shape.size);
    text.format("heads of %u, %u at a time", size.head_dim, size.queries);
  }
};

}  // namespace

std::unique_ptr<const Kernel> make_attention() { return std::make_unique<AttentionKernel>(); }

}  // namespace bf::microjit::emit
