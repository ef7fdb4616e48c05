#include "microjit/code_cache.h"

#include <cstring>

namespace bf::microjit {

namespace {

constexpr u32 kPieceAlignment = 64;
constexpr int kBreakpoint = 0xcc;             // int3
constexpr usize kMaxBudget = usize{1} << 31;  // offsets are 32 bits

}  // namespace

Result<CodeCache> CodeCache::create(usize budget_bytes) {
  if (budget_bytes == 0 || budget_bytes > kMaxBudget)
    return Error::format("code cache: %zu bytes is not a possible size", budget_bytes);
  CodeCache cache;
  cache.memory_ = platform::allocate_code(align_up(budget_bytes, platform::kPageBytes));
  if (cache.memory_.write == nullptr)
    return Error::format("not enough memory for the code cache of %zu MiB: give the machine more "
                         "(./bareflow run --mem 512M)",
                         budget_bytes >> 20);
  cache.pieces_.push_back({0, static_cast<u32>(cache.memory_.bytes), false});
  return cache;
}

Result<const u8*> CodeCache::install(const CompiledCode& code, Resolve resolve, void* context) {
  if (code.bytes.empty()) return Error::format("code cache: no code to install");
  for (const CodeRelocation& r : code.relocations)
    if (code.bytes.size() < 8 || r.offset > code.bytes.size() - 8)
      return Error::format("code cache: a relocation outside of the code");
  const usize wanted = align_up(code.bytes.size(), usize{kPieceAlignment});
  for (usize i = 0; i < pieces_.size(); ++i) {
    if (pieces_[i].used || pieces_[i].bytes < wanted) continue;
    const Piece whole = pieces_[i];
    pieces_[i] = {whole.offset, static_cast<u32>(wanted), true};
    if (whole.bytes > wanted)
      pieces_.insert(
          pieces_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
          {whole.offset + static_cast<u32>(wanted), whole.bytes - static_cast<u32>(wanted), false});
    u8* to = memory_.write + whole.offset;
    std::memcpy(to, code.bytes.data(), code.bytes.size());
    std::memset(to + code.bytes.size(), kBreakpoint, wanted - code.bytes.size());
    for (const CodeRelocation& r : code.relocations) {
      const u64 value = resolve(context, r);
      std::memcpy(to + r.offset, &value, sizeof value);
    }
    used_bytes_ += wanted;
    return memory_.run + whole.offset;
  }
  return Error::format("code cache: full (%zu of %zu bytes used, %zu more wanted)", used_bytes_,
                       memory_.bytes, wanted);
}

void CodeCache::release(const u8* entry) {
  BF_ASSERT(contains(entry));
  const u32 offset = static_cast<u32>(entry - memory_.run);
  usize i = 0;
  while (i < pieces_.size() && pieces_[i].offset != offset) ++i;
  BF_ASSERT(i < pieces_.size() && pieces_[i].used);
  std::memset(memory_.write + offset, kBreakpoint, pieces_[i].bytes);
  used_bytes_ -= pieces_[i].bytes;
  pieces_[i].used = false;
  const auto join_with_next = [&](usize k) {
    if (k + 1 >= pieces_.size() || pieces_[k].used || pieces_[k + 1].used) return;
    pieces_[k].bytes += pieces_[k + 1].bytes;
    pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(k) + 1);
  };
  join_with_next(i);
  if (i > 0) join_with_next(i - 1);
}

bool CodeCache::contains(const void* address) const {
  const u8* a = static_cast<const u8*>(address);
  return a >= memory_.run && a < memory_.run + memory_.bytes;
}

}  // namespace bf::microjit
