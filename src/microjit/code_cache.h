// Memory for machine code: hands out pieces of platform::allocate_code, relocates code into them.
//
// Never writable and executable through the same mapping. A piece is written completely before its
// run address is handed out; publishing it (one release store to a slot) is the caller's.
//
//   auto entry = cache.install(code, resolve);   // resolve(relocation) -> u64 value
//   slot.store(entry, std::memory_order_release);
//
// release() fills the piece with breakpoints (int3) and makes it available again: only after every
// core has passed a quiescent point since it was last reachable.
#pragma once

#include "microjit/link.h"

namespace bf::microjit {

class CodeCache {
 public:
  // What the field of a relocation must hold.
  using Resolve = u64 (*)(void* context, const CodeRelocation& relocation);

  // Reserves `budget_bytes` of code memory.
  static Result<CodeCache> create(usize budget_bytes);
  CodeCache(CodeCache&&) = default;
  CodeCache& operator=(CodeCache&&) = default;

  // Copies, relocates; gives the run address of offset 0 (64-byte aligned).
  Result<const u8*> install(const CompiledCode& code, Resolve resolve, void* context);
  void release(const u8* entry);

  usize used_bytes() const { return used_bytes_; }
  usize budget_bytes() const { return memory_.bytes; }
  // Whether the address lies in this cache.
  bool contains(const void* address) const;

 private:
  struct Piece {
    u32 offset = 0, bytes = 0;
    bool used = false;
  };
  CodeCache() = default;

  platform::CodeMemory memory_;
  std::vector<Piece> pieces_;  // ordered by offset, covering everything
  usize used_bytes_ = 0;
};

}  // namespace bf::microjit
