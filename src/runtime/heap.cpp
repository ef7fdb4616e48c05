#include "runtime/heap.h"

#include <atomic>
#include <bit>
#include <cstring>
#include <new>

#include "runtime/platform.h"

namespace bf::heap {

namespace {

// A block is [header slack][Header][user bytes]; the header ends where the user's bytes start.
struct Header {
  u32 state;          // kLive or kFree
  u16 front_units;    // from the start of the block to the user's bytes
  u16 chunk_units;    // from the start of its chunk to the start of the block; 0: it is large
  usize block_bytes;  // the whole block: its class's size, or whole pages
};
static_assert(sizeof(Header) == kDefaultAlignment);
constexpr usize kUnit = kDefaultAlignment;

constexpr u32 kLive = 0xb10c4a11;
constexpr u32 kFree = 0xb10cdead;

// Classes: 32, 48, 64, then four to each doubling (80, 96, 112, 128, 160, ...).
constexpr usize kSmallest = 32;
constexpr usize kLargestClass = 32 * 1024;
constexpr usize kUsualChunkBytes = 64 * 1024;
constexpr usize kLeastBlocks = 6;  // of a chunk

constexpr usize class_of(usize bytes) {
  if (bytes <= 64) return bytes <= kSmallest ? 0 : (bytes - kSmallest + 15) / 16;
  const usize log = std::bit_width(bytes - 1) - 1;  // 2^log < bytes <= 2^(log+1)
  const usize quarter = (bytes - 1 - (usize{1} << log)) >> (log - 2);
  return 3 + (log - 6) * 4 + quarter;
}

constexpr usize class_bytes(usize index) {
  if (index < 3) return kSmallest + index * 16;
  const usize log = 6 + (index - 3) / 4;
  return (usize{1} << log) + (((index - 3) % 4 + 1) << (log - 2));
}

constexpr usize kClassCount = class_of(kLargestClass) + 1;

constexpr bool classes_fit() {
  for (usize bytes = 1; bytes <= kLargestClass; ++bytes) {
    const usize index = class_of(bytes);
    if (index >= kClassCount || class_bytes(index) < bytes) return false;
    if (index > 0 && class_bytes(index - 1) >= bytes) return false;
    if (bytes > 128) bytes += 15;
  }
  return true;
}
static_assert(classes_fit());

// What a free block holds in its first bytes: its state is where a live block of the least alignment
// has it, so that a second release is noticed.
struct FreeBlock {
  Header header;
  FreeBlock* next;
};
static_assert(sizeof(FreeBlock) <= kSmallest);

// Pages that are cut into blocks of one class, behind this.
struct Chunk {
  FreeBlock* free = nullptr;
  // Of the chunks of its class that have a free block.
  Chunk* next = nullptr;
  Chunk* before = nullptr;
  u32 live = 0;
  u32 index = 0;  // of the class
};
constexpr usize kChunkHeaderBytes = 64;
static_assert(sizeof(Chunk) <= kChunkHeaderBytes);

constexpr usize blocks_of_chunk(usize index) {
  const usize usual = (kUsualChunkBytes - kChunkHeaderBytes) / class_bytes(index);
  return usual < kLeastBlocks ? kLeastBlocks : usual;
}
constexpr usize chunk_bytes(usize index) {
  return align_up(kChunkHeaderBytes + blocks_of_chunk(index) * class_bytes(index), platform::kPageBytes);
}
static_assert(chunk_bytes(kClassCount - 1) / kUnit <= UINT16_MAX);

class Lock {
 public:
  Lock() {
    while (flag_.test_and_set(std::memory_order_acquire)) __builtin_ia32_pause();
  }
  ~Lock() { flag_.clear(std::memory_order_release); }

 private:
  static inline std::atomic_flag flag_;
};

struct State {
  Chunk* chunks[kClassCount];  // with a free block; the first one is used
  Statistics statistics;
};
State state;

Header* header_of(const void* user) {
  auto* header = reinterpret_cast<Header*>(reinterpret_cast<usize>(user) - sizeof(Header));
  if (header->state == kFree) BF_UNREACHABLE("heap: block released twice, or used after release");
  if (header->state != kLive) BF_UNREACHABLE("heap: not a block, or its header was overwritten");
  return header;
}

usize usable_of(const Header* header) {
  return header->block_bytes - header->front_units * kUnit;
}

// The chunk of a block is used before those that were in the list: it is the fullest of them, so the
// others become empty sooner. The caller holds the lock.
void link(Chunk& chunk) {
  Chunk*& first = state.chunks[chunk.index];
  chunk.before = nullptr;
  chunk.next = first;
  if (first != nullptr) first->before = &chunk;
  first = &chunk;
}

void unlink(Chunk& chunk) {
  (chunk.before != nullptr ? chunk.before->next : state.chunks[chunk.index]) = chunk.next;
  if (chunk.next != nullptr) chunk.next->before = chunk.before;
}

// Fresh pages, cut into blocks of one class. The caller holds the lock.
bool refill(usize index) {
  const usize held = chunk_bytes(index), bytes = class_bytes(index);
  auto* const pages = static_cast<u8*>(platform::allocate_pages(held));
  if (pages == nullptr) return false;
  state.statistics.page_bytes += held;
  auto& chunk = *::new (pages) Chunk;
  chunk.index = static_cast<u32>(index);
  for (usize i = blocks_of_chunk(index); i-- > 0;) {
    const usize at = kChunkHeaderBytes + i * bytes;
    auto* block = reinterpret_cast<FreeBlock*>(pages + at);
    block->header = {kFree, 1, static_cast<u16>(at / kUnit), bytes};
    block->next = chunk.free;
    chunk.free = block;
  }
  link(chunk);
  return true;
}

u8* take_small(usize bytes, u16& chunk_units) {
  const usize index = class_of(bytes);
  Lock lock;
  if (state.chunks[index] == nullptr && !refill(index)) return nullptr;
  Chunk& chunk = *state.chunks[index];
  FreeBlock* block = chunk.free;
  chunk.free = block->next;
  ++chunk.live;
  if (chunk.free == nullptr) unlink(chunk);
  chunk_units = block->header.chunk_units;
  return reinterpret_cast<u8*>(block);
}

// Gives a block back to its chunk; the chunk, if that is empty now and there is another one with a
// free block, so that a class which comes and goes keeps one.
Chunk* put_small(u8* block, u16 chunk_units, usize block_bytes) {
  auto* const free_block = reinterpret_cast<FreeBlock*>(block);
  Chunk& chunk = *reinterpret_cast<Chunk*>(block - chunk_units * kUnit);
  const bool was_full = chunk.free == nullptr;
  free_block->header = {kFree, 1, chunk_units, block_bytes};
  free_block->next = chunk.free;
  chunk.free = free_block;
  if (was_full) link(chunk);
  if (--chunk.live > 0) return nullptr;
  const bool is_only = chunk.next == nullptr && chunk.before == nullptr;
  if (is_only) return nullptr;
  unlink(chunk);
  state.statistics.page_bytes -= chunk_bytes(chunk.index);
  return &chunk;
}

// Takes the chunks that nothing is in out of a class's list: a list of their own, by `next`.
Chunk* take_empty(Chunk*& first) {
  Chunk* empty = nullptr;
  Lock lock;
  for (Chunk *chunk = first, *next; chunk != nullptr; chunk = next) {
    next = chunk->next;
    if (chunk->live > 0) continue;
    unlink(*chunk);
    state.statistics.page_bytes -= chunk_bytes(chunk->index);
    chunk->next = empty;
    empty = chunk;
  }
  return empty;
}

u8* take_large(usize bytes) {
  auto* block = static_cast<u8*>(platform::allocate_pages(bytes));
  if (block == nullptr) return nullptr;
  Lock lock;
  state.statistics.page_bytes += bytes;
  return block;
}

// Puts the header in front of the first aligned address of the block that leaves room for it.
void* hand_out(u8* block, usize block_bytes, usize alignment, u16 chunk_units) {
  const auto start = reinterpret_cast<usize>(block);
  const usize user = align_up(start + sizeof(Header), alignment);
  auto* header = reinterpret_cast<Header*>(user - sizeof(Header));
  *header = {kLive, static_cast<u16>((user - start) / kUnit), chunk_units, block_bytes};
  Lock lock;
  ++state.statistics.live_blocks;
  state.statistics.live_bytes += usable_of(header);
  return reinterpret_cast<void*>(user);
}

// `fresh` tells whether the memory is known to be zero.
void* take_block(usize bytes, usize alignment, bool& fresh) {
  BF_ASSERT(std::has_single_bit(alignment) && alignment >= kDefaultAlignment);
  BF_ASSERT(alignment <= platform::kPageBytes);
  // Blocks start at multiples of 16, the header needs 16: alignment is what may be lost.
  const usize front = alignment;
  if (bytes > SIZE_MAX - front - platform::kPageBytes) return nullptr;
  const usize wanted = bytes + front;
  fresh = wanted > kLargestClass;
  if (!fresh) {
    u16 chunk_units = 0;
    u8* block = take_small(wanted, chunk_units);
    return block == nullptr ? nullptr
                            : hand_out(block, class_bytes(class_of(wanted)), alignment, chunk_units);
  }
  const usize page_bytes = align_up(wanted, platform::kPageBytes);
  u8* block = take_large(page_bytes);
  return block == nullptr ? nullptr : hand_out(block, page_bytes, alignment, 0);
}

// What idles in chunks of other sizes is there for a block that nothing else is left for.
void* allocate_block(usize bytes, usize alignment, bool& fresh) {
  void* const user = take_block(bytes, alignment, fresh);
  if (user != nullptr) return user;
  trim();
  return take_block(bytes, alignment, fresh);
}

constexpr usize all_chunk_bytes() {
  usize sum = 0;
  for (usize index = 0; index < kClassCount; ++index) sum += chunk_bytes(index);
  return sum;
}

}  // namespace

constinit const usize kMostIdleBytes = all_chunk_bytes();

void* allocate(usize bytes, usize alignment) {
  bool fresh;
  return allocate_block(bytes, alignment, fresh);
}

void* allocate_zeroed(usize bytes, usize alignment) {
  bool fresh;
  void* user = allocate_block(bytes, alignment, fresh);
  if (user != nullptr && !fresh) std::memset(user, 0, bytes);
  return user;
}

void release(void* user) {
  if (user == nullptr) return;
  Header* header = header_of(user);
  const Header freed = *header;
  u8* const block = static_cast<u8*>(user) - freed.front_units * kUnit;
  const usize usable = usable_of(header);
  header->state = kFree;
  u8* pages = block;
  usize bytes = freed.block_bytes;
  {
    Lock lock;
    --state.statistics.live_blocks;
    state.statistics.live_bytes -= usable;
    if (freed.chunk_units != 0) {
      Chunk* const empty = put_small(block, freed.chunk_units, freed.block_bytes);
      if (empty == nullptr) return;
      pages = reinterpret_cast<u8*>(empty);
      bytes = chunk_bytes(empty->index);
    } else {
      state.statistics.page_bytes -= bytes;
    }
  }
  platform::free_pages(pages, bytes);
}

void* reallocate(void* user, usize bytes) {
  if (user == nullptr) return allocate(bytes);
  const usize old_bytes = usable_of(header_of(user));
  // Growing in place where the class has room; shrinking a lot moves, so that memory comes back.
  if (bytes <= old_bytes && bytes >= old_bytes / 2) return user;
  void* moved = allocate(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, user, bytes < old_bytes ? bytes : old_bytes);
  release(user);
  return moved;
}

usize usable_bytes(const void* user) {
  return usable_of(header_of(user));
}

void trim() {
  for (Chunk*& first : state.chunks) {
    Chunk* chunk = take_empty(first);
    while (chunk != nullptr) {
      Chunk* const next = chunk->next;
      platform::free_pages(chunk, chunk_bytes(chunk->index));
      chunk = next;
    }
  }
}

Statistics statistics() {
  Lock lock;
  return state.statistics;
}

}  // namespace bf::heap
