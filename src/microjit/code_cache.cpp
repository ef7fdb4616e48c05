#include "microjit/code_cache.h"

#include <bit>
#include <cstring>

#include "runtime/valgrind.h"

namespace bf::microjit {

namespace {

constexpr u32 kPieceAlignment = 64;
constexpr int kBreakpoint = 0xcc;             // int3
constexpr usize kMaxBudget = usize{1} << 31;  // offsets are 32 bits

// Pieces of 2^n to 2^(n+1) - 1 alignments.
u32 bin_of(u32 bytes) { return static_cast<u32>(std::bit_width(bytes / kPieceAlignment)) - 1; }

usize table_bytes(usize budget_bytes) { return budget_bytes / kPieceAlignment * sizeof(u32); }

}  // namespace

usize CodeCache::piece_bytes(usize bytes) { return align_up(bytes, usize{kPieceAlignment}); }

Result<CodeCache> CodeCache::create(usize budget_bytes) {
  if (budget_bytes == 0 || budget_bytes > kMaxBudget)
    return Error::format("code cache: %zu bytes is not a possible size", budget_bytes);
  CodeCache cache;
  cache.memory_ = platform::allocate_code(align_up(budget_bytes, platform::kPageBytes));
  if (cache.memory_.write != nullptr)
    cache.piece_at_ = static_cast<PieceId*>(platform::allocate_pages(table_bytes(cache.memory_.bytes)));
  if (cache.piece_at_ == nullptr)
    return Error::format("not enough memory for the code cache of %zu MiB: give the machine more "
                         "(./bareflow run --mem 512M)",
                         budget_bytes >> 20);
  for (PieceId& bin : cache.bins_) bin = kNoPiece;
  cache.pieces_.push_back({});
  cache.pieces_[0].bytes = static_cast<u32>(cache.memory_.bytes);
  cache.put_into_bin(0);
  return Result<CodeCache>(std::move(cache));
}

CodeCache::CodeCache(CodeCache&& other)
    : memory_(std::exchange(other.memory_, {})),
      pieces_(std::move(other.pieces_)),
      unused_ids_(std::move(other.unused_ids_)),
      piece_at_(std::exchange(other.piece_at_, nullptr)),
      used_bytes_(other.used_bytes_),
      reused_pieces_(other.reused_pieces_) {
  std::memcpy(bins_, other.bins_, sizeof bins_);
}

CodeCache::~CodeCache() {
  if (piece_at_ != nullptr) platform::free_pages(piece_at_, table_bytes(memory_.bytes));
  if (memory_.write != nullptr) platform::free_code(memory_);
}

CodeCache::PieceId CodeCache::new_piece() {
  if (unused_ids_.empty()) {
    pieces_.push_back({});
    return static_cast<PieceId>(pieces_.size() - 1);
  }
  const PieceId id = unused_ids_.back();
  unused_ids_.pop_back();
  pieces_[id] = {};
  return id;
}

void CodeCache::put_into_bin(PieceId id) {
  PieceId& first = bins_[bin_of(pieces_[id].bytes)];
  pieces_[id].free_before = kNoPiece;
  pieces_[id].free_after = first;
  if (first != kNoPiece) pieces_[first].free_before = id;
  first = id;
}

void CodeCache::take_from_bin(PieceId id) {
  const Piece& p = pieces_[id];
  if (p.free_before != kNoPiece) pieces_[p.free_before].free_after = p.free_after;
  else bins_[bin_of(p.bytes)] = p.free_after;
  if (p.free_after != kNoPiece) pieces_[p.free_after].free_before = p.free_before;
}

// In the bin of that size a piece may be too small: a few are looked at. In the bins above any will
// do. If there is nothing, all of the first bin is looked at.
CodeCache::PieceId CodeCache::find_free(u32 bytes) const {
  constexpr u32 kTries = 8;
  const u32 bin = bin_of(bytes);
  u32 tries = 0;
  for (PieceId id = bins_[bin]; id != kNoPiece && tries < kTries; id = pieces_[id].free_after, ++tries)
    if (pieces_[id].bytes >= bytes) return id;
  for (u32 above = bin + 1; above < kBins; ++above)
    if (bins_[above] != kNoPiece) return bins_[above];
  for (PieceId id = bins_[bin]; id != kNoPiece; id = pieces_[id].free_after)
    if (pieces_[id].bytes >= bytes) return id;
  return kNoPiece;
}

// Leaves `bytes` to a piece that is in no bin; the rest becomes a free piece.
void CodeCache::cut(PieceId id, u32 bytes) {
  if (pieces_[id].bytes == bytes) return;
  const PieceId rest = new_piece();
  Piece& p = pieces_[id];
  Piece& r = pieces_[rest];
  r.offset = p.offset + bytes;
  r.bytes = p.bytes - bytes;
  r.worn = p.worn;
  r.before = id;
  r.after = p.after;
  if (r.after != kNoPiece) pieces_[r.after].before = rest;
  p.after = rest;
  p.bytes = bytes;
  put_into_bin(rest);
}

// Both pieces free, `id` in no bin, the next one in its bin.
void CodeCache::join_with_next(PieceId id) {
  Piece& p = pieces_[id];
  const PieceId next = p.after;
  take_from_bin(next);
  p.bytes += pieces_[next].bytes;
  p.worn |= pieces_[next].worn;
  p.after = pieces_[next].after;
  if (p.after != kNoPiece) pieces_[p.after].before = id;
  unused_ids_.push_back(next);
}

Result<const u8*> CodeCache::install(const CompiledCode& code, Resolve resolve, void* context) {
  if (code.bytes.empty()) return Error::format("code cache: no code to install");
  for (const CodeRelocation& r : code.relocations)
    if (code.bytes.size() < 8 || r.offset > code.bytes.size() - 8)
      return Error::format("code cache: a relocation outside of the code");
  const usize wanted = piece_bytes(code.bytes.size());
  const PieceId id = wanted <= memory_.bytes ? find_free(static_cast<u32>(wanted)) : kNoPiece;
  if (id == kNoPiece)
    return Error::format("code cache: full (%zu of %zu bytes used, %zu more wanted)", used_bytes_,
                         memory_.bytes, wanted);
  take_from_bin(id);
  cut(id, static_cast<u32>(wanted));
  Piece& piece = pieces_[id];
  piece.used = true;
  if (piece.worn) ++reused_pieces_;
  piece_at_[piece.offset / kPieceAlignment] = id;
  used_bytes_ += wanted;
  u8* to = memory_.write + piece.offset;
  std::memcpy(to, code.bytes.data(), code.bytes.size());
  std::memset(to + code.bytes.size(), kBreakpoint, wanted - code.bytes.size());
  for (const CodeRelocation& r : code.relocations) {
    const u64 value = r.kind == RelocKind::Code
                          ? reinterpret_cast<u64>(memory_.run + piece.offset) + static_cast<u64>(r.addend)
                          : resolve(context, r);
    std::memcpy(to + r.offset, &value, sizeof value);
  }
  return memory_.run + piece.offset;
}

void CodeCache::release(const u8* entry) {
  BF_ASSERT(contains(entry));
  const u32 offset = static_cast<u32>(entry - memory_.run);
  PieceId id = piece_at_[offset / kPieceAlignment];
  BF_ASSERT(pieces_[id].used && pieces_[id].offset == offset);
  pieces_[id].used = false;
  pieces_[id].worn = true;
  used_bytes_ -= pieces_[id].bytes;
  std::memset(memory_.write + offset, kBreakpoint, pieces_[id].bytes);
  forget_translations(entry, pieces_[id].bytes);
  const PieceId next = pieces_[id].after, before = pieces_[id].before;
  if (next != kNoPiece && !pieces_[next].used) join_with_next(id);
  if (before != kNoPiece && !pieces_[before].used) {
    put_into_bin(id);
    take_from_bin(before);
    join_with_next(before);
    id = before;
  }
  put_into_bin(id);
}

bool CodeCache::contains(const void* address) const {
  const u8* a = static_cast<const u8*>(address);
  return a >= memory_.run && a < memory_.run + memory_.bytes;
}

}  // namespace bf::microjit
