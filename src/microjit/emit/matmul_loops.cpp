#include "microjit/emit/matmul_loops.h"

namespace bf::microjit::emit {

namespace {

const x86::Gp kOut = x86::rdi, kWeights = x86::rsi, kColumns = x86::rcx, kRows = x86::r8,
              kTokens = x86::r9;
const x86::Gp kStride = x86::r9;    // of `out`, in bytes
const x86::Gp kRowBytes = x86::rcx;  // from one token's activations to the next one's
const x86::Gp kBlocks = x86::rax;
const x86::Gp kAhead = x86::r8;  // what is prefetched, once the rows are counted in memory
// Every third token has a base; those behind it are reached by an index.
const x86::Gp kBases[] = {x86::rdx, x86::r10, x86::r11, x86::rbx,
                          x86::r12, x86::r13, x86::r14, x86::r15};

// Numbers of locals. Tokens are split evenly: so many tiles, of that many tokens, the first ones of one
// more.
enum Local : u32 {
  kActivations, kGroupOut, kGroupWeights, kTiles, kTileTokens, kLargerTiles, kTilesLeft, kLargerLeft,
  kGroupsLeft, kNextAhead
};

constexpr u32 kLine = 64;

}  // namespace

x86::Gp MatmulLoops::base(u32 n) { return kBases[n]; }

x86::Mem MatmulLoops::packed(u32 offset, u32 unit_bytes, u32 row_part) const {
  const u64 block = stream_ * group_bytes() + block_of_round_ * block_bytes() * kGroupRows;
  return x86::ptr(kWeights, static_cast<i32>(block + offset + row_part * unit_bytes * s_.lanes()));
}

x86::Mem MatmulLoops::token(u32 first_base, u32 t, i64 displacement) const {
  const x86::Gp base = kBases[first_base + t / kTokensOfBase];
  const auto d = static_cast<i32>(displacement);
  const u32 further = t % kTokensOfBase;  // an index times 1 or 2
  return further == 0 ? x86::ptr(base, d) : x86::ptr(base, kRowBytes, further - 1, d);
}

void MatmulLoops::place_bases() {
  for (u32 t = kTokensOfBase; t < tile_; t += kTokensOfBase)
    a_.lea(base(t / kTokensOfBase), x86::ptr(x86::rdx, static_cast<i32>(activation_bytes() * t)));
}

void MatmulLoops::move_bases(u32 first, u32 bytes) {
  for (u32 n = 0; n * kTokensOfBase < tile_; ++n) a_.add(base(first + n), asmjit::Imm(bytes));
}

void MatmulLoops::choose(const KernelPlan& plan, const asmjit::Label& body) {
  const asmjit::Label other = a_.newLabel();
  a_.cmp(kColumns, asmjit::Imm(plan.shape.size));
  a_.jne(other);
  a_.cmp(kTokens, asmjit::Imm(plan.shape.least));
  if (plan.shape.least == plan.shape.most) {
    a_.je(body);
  } else {
    BF_ASSERT(plan.shape.most == ~u64{0});
    a_.jae(body);
  }
  a_.bind(other);
}

void MatmulLoops::body(const KernelPlan& plan) {
  plan_ = &plan;
  a_.mov(local(kActivations), x86::rdx);
  count_tiles();
  load_stride();
  a_.mov(kRowBytes, asmjit::Imm(activation_bytes()));
  load_constants();

  a_.shr(kRows, 4);
  a_.mov(local(kGroupsLeft), kRows);
  a_.mov(local(kGroupOut), kOut);
  a_.mov(local(kGroupWeights), kWeights);
  if (plan.streams != 1) groups(plan.streams);
  groups(1);
}

// As long as there are so many left.
void MatmulLoops::groups(u32 streams) {
  const asmjit::Label loop = a_.newLabel(), done = a_.newLabel();
  streams_ = streams;
  a_.bind(loop);
  a_.cmp(local(kGroupsLeft), asmjit::Imm(streams));
  a_.jb(done);
  tiles_of_group();
  a_.mov(kOut, local(kGroupOut));
  a_.add(kOut, asmjit::Imm(streams * kGroupRows * 4));
  a_.mov(local(kGroupOut), kOut);
  a_.add(local(kGroupWeights), asmjit::Imm(streams * group_bytes()));
  a_.sub(local(kGroupsLeft), asmjit::Imm(streams));
  a_.jmp(loop);
  a_.bind(done);
}

x86::Gp MatmulLoops::stride_register() { return kStride; }

void MatmulLoops::load_stride() {
  a_.mov(kStride, stack_argument(0));
  a_.shl(kStride, 2);
}

void MatmulLoops::count_tiles() {
  a_.lea(x86::rax, x86::ptr(kTokens, static_cast<i32>(plan_->tile - 1)));
  a_.xor_(x86::edx, x86::edx);
  a_.mov(x86::r10d, asmjit::Imm(plan_->tile));
  a_.div(x86::r10);
  a_.mov(local(kTiles), x86::rax);
  a_.mov(x86::r10, x86::rax);
  a_.mov(x86::rax, kTokens);
  a_.xor_(x86::edx, x86::edx);
  a_.div(x86::r10);
  a_.mov(local(kTileTokens), x86::rax);
  a_.mov(local(kLargerTiles), x86::rdx);
}

// Whether tiles of so many tokens occur.
bool MatmulLoops::has_tile(u32 tokens) const {
  const KernelShape& shape = plan_->shape;
  if (shape.least != shape.most) {
    // One more token than a tile takes is two tiles of half as many.
    const u64 halves = (plan_->tile + 1) / 2;
    return tokens >= (shape.least < halves ? shape.least : halves);
  }
  const u64 tiles = (shape.least + plan_->tile - 1) / plan_->tile, least = shape.least / tiles;
  return tokens == least || (tokens == least + 1 && shape.least % tiles != 0);
}

// rdx goes through the tokens' activations.
void MatmulLoops::tiles_of_group() {
  const asmjit::Label more = a_.newLabel(), as_said = a_.newLabel(), done = a_.newLabel();
  asmjit::Label next = a_.newLabel();
  a_.mov(x86::rdx, local(kActivations));
  if (fetches_next_group()) {
    a_.mov(kAhead, local(kGroupWeights));
    a_.add(kAhead, asmjit::Imm(group_bytes()));
    a_.mov(local(kNextAhead), kAhead);
  }
  a_.mov(x86::rax, local(kTiles));
  a_.mov(local(kTilesLeft), x86::rax);
  a_.mov(x86::rax, local(kLargerTiles));
  a_.mov(local(kLargerLeft), x86::rax);
  a_.bind(more);
  a_.mov(x86::rax, local(kTileTokens));
  a_.cmp(local(kLargerLeft), 0);
  a_.je(as_said);
  a_.dec(local(kLargerLeft));
  a_.inc(x86::rax);
  a_.bind(as_said);
  for (u32 tokens = plan_->tile; tokens != 0; --tokens) {
    if (!has_tile(tokens)) continue;
    a_.cmp(x86::eax, asmjit::Imm(tokens));
    a_.jne(next);
    whole_tile(tokens);
    a_.jmp(done);
    a_.bind(next);
    next = a_.newLabel();
  }
  a_.ud2();
  a_.bind(done);
  a_.dec(local(kTilesLeft));
  a_.jnz(more);
}

// rdx and `out` move on to the next tile's tokens.
void MatmulLoops::whole_tile(u32 tokens) {
  tile_ = tokens;
  const u32 parts = kGroupRows / s_.lanes();
  row_parts_ = fits(parts, tokens) ? parts : 1;
  for (row_part_ = 0; row_part_ < parts; row_part_ += row_parts_) row_parts_of_tile();
  for (u32 t = 0; t < tokens; ++t) a_.add(kOut, kStride);
}

// One tile with one group's rows, as many of them as fit.
void MatmulLoops::row_parts_of_tile() {
  const u64 blocks = columns() / block_columns();
  a_.mov(kWeights, local(kGroupWeights));
  place_bases();
  if (fetches_next_group()) a_.mov(kAhead, local(kNextAhead));
  for (u32 n = 0; n < sums(); ++n) s_.zero(V{n});
  const u32 unroll = plan_->unroll, rest = static_cast<u32>(blocks % unroll);
  if (rest != 0) round_of_blocks(rest);
  if (blocks >= unroll) {
    a_.mov(kBlocks.r32(), asmjit::Imm(blocks / unroll));
    a_.align(asmjit::AlignMode::kCode, 64);
    const asmjit::Label loop = a_.newLabel();
    a_.bind(loop);
    round_of_blocks(unroll);
    a_.dec(kBlocks.r32());
    a_.jnz(loop);
  }
  if (fetches_next_group()) a_.mov(local(kNextAhead), kAhead);

  for (stream_ = 0; stream_ < streams_; ++stream_)
    for (u32 p = 0; p < row_parts_; ++p) store_sums(p);
  stream_ = 0;
  // To the next tile's activations, or back for the other rows.
  const bool last = row_part_ + row_parts_ == kGroupRows / s_.lanes();
  const u64 next = last ? activation_bytes() * tile_ : 0, came = blocks * activation_step();
  a_.add(x86::rdx, asmjit::Imm(static_cast<i64>(next) - static_cast<i64>(came)));
}

void MatmulLoops::store_sums(u32 p) {
  a_.mov(x86::rax, kOut);
  for (u32 t = 0; t < tile_; ++t) {
    const u32 row = stream_ * kGroupRows + (row_part_ + p) * s_.lanes();
    s_.store(x86::ptr(x86::rax, static_cast<i32>(row * 4)), sum(p, t));
    if (t + 1 < tile_) a_.add(x86::rax, kStride);
  }
}

void MatmulLoops::round_of_blocks(u32 blocks) {
  for (block_of_round_ = 0; block_of_round_ < blocks; ++block_of_round_)
    for (stream_ = 0; stream_ < streams_; ++stream_) block();
  block_of_round_ = stream_ = 0;
  move_on(blocks);
  a_.add(kWeights, asmjit::Imm(blocks * block_bytes() * kGroupRows));
}

bool MatmulLoops::fetches_next_group() const {
  return plan_->prefetch != 0 && plan_->shape.most != 1;
}

// Of n parts of a block. One token meets each weight once: what comes next is fetched from some distance
// ahead, in the order it lies in, a few lines at a time (a block may be read in another order, which the
// processor's own prefetching cannot follow). Several tiles go over the same group, and meanwhile some
// lines of the next one come into the second-level cache: as many as make a whole group after a few.
void MatmulLoops::prefetch(u32 part, u32 parts) {
  if (plan_->prefetch == 0) return;
  constexpr u32 kTilesOfGroup = 5;
  const u32 bytes = block_bytes() * kGroupRows, lines = (bytes + kLine - 1) / kLine;
  if (!fetches_next_group()) {
    for (u32 n = lines * part / parts; n < lines * (part + 1) / parts; ++n) {
      const u64 here = stream_ * group_bytes() + block_of_round_ * bytes + n * kLine;
      const x86::Mem line = x86::ptr(kWeights, static_cast<i32>(here + plan_->prefetch));
      plan_->cache_level == 1 ? a_.prefetcht0(line) : a_.prefetcht1(line);
    }
    return;
  }
  if (part != 0) return;
  const u32 now = (lines + kTilesOfGroup - 1) / kTilesOfGroup;
  for (u32 n = 0; n < now; ++n) a_.prefetcht1(x86::ptr(kAhead, static_cast<i32>(n * kLine)));
  a_.add(kAhead, asmjit::Imm(now * kLine));
}

}  // namespace bf::microjit::emit
