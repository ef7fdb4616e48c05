#include "runtime/heap.h"

#include <atomic>
#include <bit>
#include <cstring>

#include "runtime/platform.h"

namespace bf::heap {

namespace {

// A block is [header slack][Header][user bytes]; the header ends where the user's bytes start.
struct Header {
  u32 state;          // kLive or kFree
  u32 front_bytes;    // from the start of the block to the user's bytes
  usize block_bytes;  // the whole block: its class's size, or whole pages
};
static_assert(sizeof(Header) == kDefaultAlignment);

constexpr u32 kLive = 0xb10c4a11;
constexpr u32 kFree = 0xb10cdead;

// Classes: 32, 48, 64, then four to each doubling (80, 96, 112, 128, 160, ...).
constexpr usize kSmallest = 32;
constexpr usize kLargestClass = 32 * 1024;
constexpr usize kRefillBytes = 64 * 1024;

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

// What a free block holds in its first bytes; the state word at offset 0 of a Header stays clear
// of it, because front_bytes of a free block is always sizeof(Header).
struct FreeBlock {
  Header header;
  FreeBlock* next;
};
static_assert(sizeof(FreeBlock) <= kSmallest);

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
  FreeBlock* free[kClassCount];
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
  return header->block_bytes - header->front_bytes;
}

// Cuts fresh pages into blocks of one class. The caller holds the lock.
bool refill(usize index) {
  auto* pages = static_cast<u8*>(platform::allocate_pages(kRefillBytes));
  if (pages == nullptr) return false;
  state.statistics.page_bytes += kRefillBytes;
  const usize bytes = class_bytes(index);
  for (usize at = kRefillBytes / bytes * bytes; at >= bytes; at -= bytes) {
    auto* block = reinterpret_cast<FreeBlock*>(pages + at - bytes);
    block->header = {kFree, sizeof(Header), bytes};
    block->next = state.free[index];
    state.free[index] = block;
  }
  return true;
}

u8* take_small(usize bytes) {
  const usize index = class_of(bytes);
  Lock lock;
  if (state.free[index] == nullptr && !refill(index)) return nullptr;
  FreeBlock* block = state.free[index];
  state.free[index] = block->next;
  return reinterpret_cast<u8*>(block);
}

u8* take_large(usize bytes) {
  auto* block = static_cast<u8*>(platform::allocate_pages(bytes));
  if (block == nullptr) return nullptr;
  Lock lock;
  state.statistics.page_bytes += bytes;
  return block;
}

// Puts the header in front of the first aligned address of the block that leaves room for it.
void* hand_out(u8* block, usize block_bytes, usize alignment) {
  const auto start = reinterpret_cast<usize>(block);
  const usize user = align_up(start + sizeof(Header), alignment);
  auto* header = reinterpret_cast<Header*>(user - sizeof(Header));
  *header = {kLive, static_cast<u32>(user - start), block_bytes};
  Lock lock;
  ++state.statistics.live_blocks;
  state.statistics.live_bytes += usable_of(header);
  return reinterpret_cast<void*>(user);
}

// `fresh` tells whether the memory is known to be zero.
void* allocate_block(usize bytes, usize alignment, bool& fresh) {
  BF_ASSERT(std::has_single_bit(alignment) && alignment >= kDefaultAlignment);
  BF_ASSERT(alignment <= platform::kPageBytes);
  // Blocks start at multiples of 16, the header needs 16: alignment is what may be lost.
  const usize front = alignment;
  if (bytes > SIZE_MAX - front - platform::kPageBytes) return nullptr;
  const usize wanted = bytes + front;
  fresh = wanted > kLargestClass;
  if (!fresh) {
    u8* block = take_small(wanted);
    return block == nullptr ? nullptr : hand_out(block, class_bytes(class_of(wanted)), alignment);
  }
  const usize page_bytes = align_up(wanted, platform::kPageBytes);
  u8* block = take_large(page_bytes);
  return block == nullptr ? nullptr : hand_out(block, page_bytes, alignment);
}

}  // namespace

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
  const usize block_bytes = header->block_bytes;
  u8* block = static_cast<u8*>(user) - header->front_bytes;
  const usize usable = usable_of(header);
  header->state = kFree;
  {
    Lock lock;
    --state.statistics.live_blocks;
    state.statistics.live_bytes -= usable;
    if (block_bytes <= kLargestClass) {
      const usize index = class_of(block_bytes);
      auto* free_block = reinterpret_cast<FreeBlock*>(block);
      free_block->header = {kFree, sizeof(Header), block_bytes};
      free_block->next = state.free[index];
      state.free[index] = free_block;
      return;
    }
    state.statistics.page_bytes -= block_bytes;
  }
  platform::free_pages(block, block_bytes);
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

Statistics statistics() {
  Lock lock;
  return state.statistics;
}

}  // namespace bf::heap
