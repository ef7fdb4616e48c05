#include "microjit/emit/attention_q8_0.h"

#include <string_view>

#include "microjit/emit/quantize_q8.h"
#include "microjit/emit/softmax.h"

namespace bf::microjit::emit {

namespace {

constexpr u32 kBlock = 32, kBlockBytes = 34, kHalfBytes = 2, kFloat = 4;
constexpr u32 kMostRowsBytes = 8192;  // of the stack, for quantised queries

const x86::Gp kStrideOfScores = x86::r10, kValue = x86::rcx, kLeft = x86::rax;
const x86::Gp kWeights[] = {x86::r12, x86::r13, x86::r14};  // of every third query

constexpr u32 row_bytes(u32 head_dim) {
  return static_cast<u32>(q8_row_bytes(head_dim));
}
constexpr u32 value_bytes(u32 head_dim) {
  return head_dim / kBlock * kBlockBytes;
}

const MatmulFormat& q8_0() {
  for (const MatmulFormat& format : matmul_formats())
    if (std::string_view(format.name) == "matmul_q8_0") return format;
  __builtin_unreachable();
}

}  // namespace

AttentionQ8::AttentionQ8(u32 rows_bytes, Set set, asmjit::CodeHolder& code)
    : QuantizedMatmul(q8_0(), set, code), rows_bytes_(rows_bytes) {}

bool AttentionQ8::can_do(const AttentionSize& size) {
  return size.head_dim % kBlock == 0 && size.head_dim - 1 < 1024 && size.queries - 1 < 64 &&
         size.queries * row_bytes(size.head_dim) <= kMostRowsBytes;
}

Result<CompiledCode> AttentionQ8::emit_plans(std::span<const KernelPlan> plans,
                                             const EmitOptions& options) {
  u32 most = 0;
  for (const KernelPlan& plan : plans) {
    const AttentionSize size(plan.shape.size);
    const u32 bytes = size.queries * row_bytes(size.head_dim);
    if (bytes > most) most = bytes;
  }
  return emit_function<AttentionQ8>(plans, options, most);
}

void AttentionQ8::body(const KernelPlan& plan) {
  const AttentionSize size(plan.shape.size);
  keep_arguments();
  quantize_queries(size);
  score(size);
  a_.mov(x86::rbx, local(kScores));
  a_.mov(x86::r9, local(kPositions));
  a_.mov(kStrideOfScores, local(kRowBytes));
  softmax_rows(*this, {x86::rbx, x86::r9, kStrideOfScores, x86::rax, x86::r11}, size.queries,
               x86::r14d);
  mix(size);
}

void AttentionQ8::keep_arguments() {
  a_.mov(local(kOut), x86::rdi);
  a_.mov(local(kKeys), x86::rdx);
  a_.mov(local(kValues), x86::rcx);
  a_.mov(local(kScores), x86::r8);
  a_.mov(local(kPositions), x86::r9);
  x86::Mem scale = local(kScale);
  scale.setSize(kFloat);
  a_.vmovss(scale, x86::xmm0);
  // Whole tiles of positions.
  a_.add(x86::r9, 15);
  a_.and_(x86::r9, -16);
  a_.shl(x86::r9, 2);
  a_.mov(local(kRowBytes), x86::r9);
}

// rsi still is `query`. Rows come to where rsp points.
void AttentionQ8::quantize_queries(const AttentionSize& size) {
  const x86::Gp query = x86::r12, row = x86::r13, left = x86::r14d;
  const asmjit::Label loop = a_.newLabel();
  a_.mov(query, x86::rsi);
  a_.mov(row, x86::rsp);
  a_.mov(left, asmjit::Imm(size.queries));
  a_.bind(loop);
  a_.mov(x86::rdi, row);
  a_.mov(x86::rsi, query);
  quantize_row(*this, {x86::rdi, x86::rsi, x86::rax, x86::rdx}, size.head_dim);
  a_.add(row, asmjit::Imm(row_bytes(size.head_dim)));
  a_.add(query, asmjit::Imm(size.head_dim * kFloat));
  a_.dec(left);
  a_.jnz(loop);
}

// scores = product of keys and queries, times the scale.
void AttentionQ8::score(const AttentionSize& size) {
  const u32 most = accumulators(s_.set()) / 2;
  const KernelPlan product{.shape = {size.head_dim, size.queries, size.queries},
                           .tile = size.queries < most ? size.queries : most};
  a_.mov(x86::rdi, local(kScores));
  a_.mov(x86::rsi, local(kKeys));
  a_.mov(x86::rdx, x86::rsp);
  a_.mov(x86::r8, local(kRowBytes));
  a_.shr(x86::r8, 2);
  a_.mov(x86::r9d, asmjit::Imm(size.queries));
  QuantizedMatmul::body(product);

  const x86::Gp at = x86::rax, end = x86::rcx;
  const V scale{0}, x{1};
  const asmjit::Label loop = a_.newLabel();
  s_.broadcast(scale, local(kScale));
  a_.mov(at, local(kScores));
  a_.imul(end, local(kRowBytes), asmjit::Imm(size.queries));
  a_.add(end, at);
  a_.bind(loop);
  s_.multiply(x, scale, x86::ptr(at));
  s_.store(x86::ptr(at), x);
  a_.add(at, s_.bytes());
  a_.cmp(at, end);
  a_.jb(loop);
}

// out[query] = sum of scores[query][position] * value[position]
void AttentionQ8::mix(const AttentionSize& size) {
  a_.mov(x86::rdi, local(kOut));
  for (u32 first = 0; first < size.queries; first += together()) {
    const u32 left = size.queries - first, count = left < together() ? left : together();
    for (u32 column = 0; column < size.head_dim; column += 2 * s_.lanes())
      mix_columns(size, first, count, column);
  }
}

// Two vectors of columns: a block, or half of it. Sums of query q in vectors 2 q and 2 q + 1.
void AttentionQ8::mix_columns(const AttentionSize& size, u32 first, u32 count, u32 column) {
  const asmjit::Label loop = a_.newLabel();
  for (u32 n = 0; n < 2 * count; ++n) s_.zero(V{n});
  a_.imul(kWeights[0], kStrideOfScores, first);
  a_.add(kWeights[0], local(kScores));
  a_.lea(kLeft, x86::ptr(kStrideOfScores, kStrideOfScores, 1));
  a_.lea(kWeights[1], x86::ptr(kWeights[0], kLeft));
  a_.lea(kWeights[2], x86::ptr(kWeights[1], kLeft));
  a_.mov(kValue, local(kValues));
  a_.mov(kLeft, local(kPositions));
  a_.align(asmjit::AlignMode::kCode, 32);
  a_.bind(loop);
  mix_position(count, column);
  for (u32 n = 0; n * 3 < count; ++n) a_.add(kWeights[n], kFloat);
  a_.add(kValue, asmjit::Imm(value_bytes(size.head_dim)));
  a_.dec(kLeft);
  a_.jnz(loop);
  for (u32 n = 0; n < 2 * count; ++n) {
    const u32 at = (first + n / 2) * size.head_dim + column + n % 2 * s_.lanes();
    s_.store(x86::ptr(x86::rdi, static_cast<i32>(at * kFloat)), V{n});
  }
}

void AttentionQ8::mix_position(u32 count, u32 column) {
  const V values[] = {{2 * together()}, {2 * together() + 1}};
  const V scale{2 * together() + 2}, weight{scale.n + 1}, product{scale.n + 2};
  const auto block = static_cast<i32>(column / kBlock * kBlockBytes);
  s_.broadcast_half(scale, x86::ptr(kValue, block));
  for (u32 n = 0; n < 2; ++n) {
    const auto at = static_cast<i32>(kHalfBytes + column % kBlock + n * s_.lanes());
    s_.widen_bytes(values[n], x86::ptr(kValue, block + at), true);
    s_.to_float(values[n], values[n]);
  }
  for (u32 q = 0; q < count; ++q) {
    const x86::Gp base = kWeights[q / 3];
    const x86::Mem at = q % 3 == 0 ? x86::ptr(base) : x86::ptr(base, kStrideOfScores, q % 3 - 1);
    s_.multiply_word(weight, scale, at, weight);
    for (u32 n = 0; n < 2; ++n) {
      s_.multiply(product, values[n], weight);
      s_.add(V{2 * q + n}, V{2 * q + n}, product);
    }
  }
}

void AttentionQ8::load_stride() {
  a_.mov(stride_register(), local(kRowBytes));
}

}  // namespace bf::microjit::emit
