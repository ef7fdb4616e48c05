// Memory for machine code: hands out pieces of platform::allocate_code, relocates code into them.
//
// Never writable and executable through the same mapping. A piece is written completely before its
// run address is handed out; publishing it (one release store to a slot) is the caller's.
//
//   auto entry = cache.install(code, resolve);   // resolve(relocation) -> u64 value
//   slot.store(entry, std::memory_order_release);
//
// release() fills the piece with breakpoints (int3) and makes it available again: only after every
// core has passed a quiescent point since it was last reachable (quiescence.h). Both take the same
// time however many pieces there are: free pieces are kept in lists by size, neighbours are joined.
// Not for several cores at once: the engine's lock is around it.
#pragma once

#include "microjit/link.h"

namespace bf::microjit {

class CodeCache {
 public:
  // What the field of a relocation must hold.
  using Resolve = u64 (*)(void* context, const CodeRelocation& relocation);

  // Reserves `budget_bytes` of code memory.
  static Result<CodeCache> create(usize budget_bytes);
  CodeCache(CodeCache&& other);
  CodeCache& operator=(CodeCache&&) = delete;
  ~CodeCache();

  // Copies, relocates; gives the run address of offset 0 (64-byte aligned).
  Result<const u8*> install(const CompiledCode& code, Resolve resolve, void* context);
  void release(const u8* entry);

  // Nothing is installed for a while (platform::rest_code).
  void rest() const { platform::rest_code(memory_); }

  // What a piece for so many bytes takes.
  static usize piece_bytes(usize bytes);

  usize used_bytes() const { return used_bytes_; }
  usize budget_bytes() const { return memory_.bytes; }
  // How often memory was handed out that had held another piece before.
  u64 reused_pieces() const { return reused_pieces_; }
  // Whether the address lies in this cache.
  bool contains(const void* address) const;

 private:
  using PieceId = u32;
  static constexpr PieceId kNoPiece = ~u32{0};
  static constexpr u32 kBins = 32;
  struct Piece {
    u32 offset = 0, bytes = 0;
    PieceId before = kNoPiece, after = kNoPiece;        // neighbours in memory
    PieceId free_before = kNoPiece, free_after = kNoPiece;  // in its bin, where it is free
    bool used = false;
    bool worn = false;  // held code at some time
  };
  CodeCache() = default;

  PieceId find_free(u32 bytes) const;
  void cut(PieceId id, u32 bytes);
  void join_with_next(PieceId id);
  PieceId new_piece();
  void put_into_bin(PieceId id);
  void take_from_bin(PieceId id);

  platform::CodeMemory memory_;
  std::vector<Piece> pieces_;
  std::vector<PieceId> unused_ids_;
  PieceId bins_[kBins];
  PieceId* piece_at_ = nullptr;  // by offset / alignment, of pieces in use
  usize used_bytes_ = 0;
  u64 reused_pieces_ = 0;
};

}  // namespace bf::microjit
