// The heap over days, in minutes: millions of blocks as the program and the compilers ask for them, on
// the allocator of physical pages that the kernel has, in a machine of 256 MiB.
//
// What is checked all the time: nobody's bytes are another's, statistics are right, what the heap holds
// is not more than a bound. In the end: everything has come back, in one piece.
#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "arch/x86/frames.h"
#include "runtime/heap.h"
#include "runtime/platform.h"

using namespace bf;

// ---- The platform: a machine's RAM and nothing else -----------------------------------------------

namespace {

constexpr u64 kRam = u64{256} << 20;

x86::FrameAllocator& frames() {
  static x86::FrameAllocator all = [] {
    void* memory = mmap(nullptr, kRam, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    x86::FrameAllocator made;
    made.add({reinterpret_cast<u64>(memory), reinterpret_cast<u64>(memory) + kRam});
    return made;
  }();
  return all;
}

}  // namespace

void* platform::allocate_pages(usize bytes) {
  const usize rounded = align_up(bytes, kPageBytes);
  void* const memory = bytes == 0 || bytes > kRam ? nullptr : reinterpret_cast<void*>(frames().allocate(rounded));
  if (memory != nullptr) std::memset(memory, 0, rounded);
  return memory;
}

void platform::free_pages(void* memory, usize bytes) {
  frames().release(reinterpret_cast<u64>(memory), align_up(bytes, kPageBytes));
}

void bf::panic(const char* file, int line, const char* message) {
  std::fprintf(stderr, "panic: %s:%d: %s\n", file, line, message);
  std::abort();
}

namespace {

struct Block {
  u8* data;
  usize bytes;
  u64 mark;
};

// Blocks that somebody has, and what is checked of them.
class Owner {
 public:
  explicit Owner(u64 seed) : random_(seed) {}
  ~Owner() { release_all(); }

  bool allocate(usize bytes, bool zeroed = false, usize alignment = 16) {
    auto* data = static_cast<u8*>(zeroed ? heap::allocate_zeroed(bytes, alignment) : heap::allocate(bytes, alignment));
    if (data == nullptr) return false;
    if (reinterpret_cast<u64>(data) % alignment != 0) FAIL("not aligned");
    if (zeroed)
      for (usize i = 0; i < bytes; i += 61)
        if (data[i] != 0) FAIL("not zeroed");
    blocks_.push_back({data, bytes, random_()});
    paint(blocks_.back());
    return true;
  }
  void release(usize index) {
    check(blocks_[index]);
    heap::release(blocks_[index].data);
    blocks_[index] = blocks_.back();
    blocks_.pop_back();
  }
  void release_any() { release(random_() % blocks_.size()); }
  void release_all() {
    while (!blocks_.empty()) release(blocks_.size() - 1);
  }
  void grow(usize index, usize bytes) {
    Block& block = blocks_[index];
    check(block);
    auto* moved = static_cast<u8*>(heap::reallocate(block.data, bytes));
    REQUIRE(moved != nullptr);
    block.data = moved;
    const usize kept = std::min(block.bytes, bytes);
    block.bytes = kept;
    if (kept >= 16 && std::memcmp(moved, &block.mark, 8) != 0) FAIL("bytes were lost in moving");
    block.bytes = bytes;
    paint(block);
  }
  usize count() const { return blocks_.size(); }
  u64 any(u64 below) { return random_() % below; }
  // Many small ones, few large ones: each doubling half as often.
  usize any_size(usize least, usize most) {
    usize bytes = least;
    while (bytes < most && random_() % 2 == 0) bytes *= 2;
    return std::min(most, bytes + random_() % bytes);
  }

 private:
  // The first, the last and some words between are the block's own.
  template <class Use>
  static void each_word(const Block& block, Use use) {
    if (block.bytes < 16) return;
    const usize step = std::max<usize>(4096, block.bytes / 4 / 8 * 8);
    for (usize at = 0; at + 16 <= block.bytes; at += step) use(block.data + at);
    use(block.data + block.bytes - 8);
  }
  static void paint(const Block& block) {
    each_word(block, [&](u8* at) { std::memcpy(at, &block.mark, 8); });
  }
  static void check(const Block& block) {
    each_word(block, [&](u8* at) {
      if (std::memcmp(at, &block.mark, 8) != 0) FAIL("somebody wrote into a block of " << block.bytes);
    });
  }

  std::mt19937_64 random_;
  std::vector<Block> blocks_;
};

u64 operations = 0;

// What one function takes to compile: nodes, lists that double, zones of the assembler. All of it goes
// again, but for the version's lines and facts.
void compile(Owner& scratch, Owner& versions) {
  const u64 nodes = 100 + scratch.any(2000);
  for (u64 i = 0; i < nodes; ++i) {
    scratch.allocate(scratch.any_size(16, 512));
    if (i % 7 == 0) scratch.release_any();
    if (i % 50 == 0) scratch.allocate(8192 << scratch.any(4));  // a zone
    operations += 2;
  }
  scratch.allocate(64);
  const usize list = scratch.count() - 1;
  for (usize bytes = 128; bytes <= usize{64} << scratch.any(13); bytes *= 2) scratch.grow(list, bytes);
  for (int i = 0; i < 3; ++i) versions.allocate(versions.any_size(96, 8192));
  while (versions.count() > 900) versions.release_any();
  scratch.release_all();
  operations += nodes;
}

// A turn of a conversation: the line, its tokens, what is held of the answer.
void talk(Owner& turn) {
  for (int i = 0; i < 20; ++i) {
    turn.allocate(256, true, 64);
    const usize index = turn.count() - 1;
    for (usize bytes = 512; bytes <= usize{256} << turn.any(9); bytes *= 2) turn.grow(index, bytes);
    operations += 10;
  }
  turn.release_all();
}

// A model's norms, vocabulary, cache and activations; weights come as pages beside the heap.
struct Model {
  Owner parts;
  void* weights = nullptr;
  usize weight_bytes = 0;

  explicit Model(u64 seed) : parts(seed) {
    weight_bytes = align_up<usize>((4 << 20) + parts.any(90 << 20), platform::kPageBytes);
    weights = platform::allocate_pages(weight_bytes);
    REQUIRE(weights != nullptr);
    REQUIRE(parts.allocate((1 << 20) + parts.any(24 << 20), true, 64));  // keys and values
    for (int i = 0; i < 40; ++i) REQUIRE(parts.allocate(parts.any_size(64, 1 << 20), true, 64));
    operations += 41;
  }
  ~Model() { platform::free_pages(weights, weight_bytes); }
};

// The bound: half as much again as what lives, and the idle chunks of all classes, twice.
void check_bound() {
  const auto now = heap::statistics();
  const u64 bound = now.live_bytes + now.live_bytes / 2 + 2 * heap::kMostIdleBytes;
  if (now.page_bytes > bound) FAIL("the heap holds " << now.page_bytes << " bytes for " << now.live_bytes);
}

}  // namespace

TEST_CASE("days of a machine: nothing is lost, nothing is in pieces") {
  const u64 free_before = frames().free_bytes();
  {
    Owner scratch(1), versions(2), turn(3), lasting(4);
    for (int day = 0; day < 30; ++day) {
      Model model(static_cast<u64>(100 + day));
      for (int hour = 0; hour < 24; ++hour) {
        for (int i = 0; i < 3; ++i) {
          compile(scratch, versions);
          check_bound();
        }
        for (int i = 0; i < 4; ++i) talk(turn);
        // What somebody keeps for long: tables that grow, a few blocks of any size.
        lasting.allocate(lasting.any_size(32, 16384));
        if (lasting.count() > 200) lasting.release_any();
        check_bound();
      }
      // The next model needs its memory in one piece: most of what is free has to be one.
      const auto free = frames().free_bytes(), largest = frames().largest_free_bytes();
      INFO("day " << day << ": the largest of " << free << " free bytes is " << largest);
      CHECK(largest >= free / 10 * 9);
    }
    CHECK(operations > 3'000'000);
  }
  const auto after = heap::statistics();
  CHECK(after.live_blocks == 0);
  CHECK(after.live_bytes == 0);
  CHECK(after.page_bytes <= heap::kMostIdleBytes);
  CHECK(frames().free_bytes() + after.page_bytes == free_before);
  CHECK(frames().largest_free_bytes() >= free_before / 10 * 9);
  heap::trim();
  CHECK(heap::statistics().page_bytes == 0);
  CHECK(frames().free_bytes() == free_before);
}

TEST_CASE("what idles in the heap is there for a block that needs it") {
  heap::trim();
  const u64 free = frames().free_bytes();
  std::vector<void*> blocks;
  for (usize bytes = 16; bytes < 32'000; bytes = bytes * 5 / 4) blocks.push_back(heap::allocate(bytes));
  for (void* block : blocks) heap::release(block);
  REQUIRE(heap::statistics().page_bytes > 0);
  void* const all = heap::allocate(free - 2 * platform::kPageBytes);
  REQUIRE(all != nullptr);
  CHECK(heap::statistics().page_bytes <= free);
  CHECK(heap::allocate(2 * platform::kPageBytes) == nullptr);
  heap::release(all);
  CHECK(frames().free_bytes() == free);
}

TEST_CASE("what was there for blocks of one size is there for those of another") {
  const u64 free_before = frames().free_bytes() + heap::statistics().page_bytes;
  for (usize bytes = 24; bytes < 40'000; bytes = bytes * 3 / 2) {
    Owner all(bytes);
    u64 count = 0;
    while (all.allocate(bytes)) ++count;
    INFO("blocks of " << bytes);
    // All of RAM, but for slack and headers.
    CHECK(count * (bytes + 16) * 4 / 3 > kRam);
    CHECK(heap::statistics().live_blocks == count);
    all.release_all();
    CHECK(heap::statistics().page_bytes <= heap::kMostIdleBytes);
  }
  CHECK(frames().free_bytes() + heap::statistics().page_bytes == free_before);
}

TEST_CASE("every order of coming and going, at the edge of memory") {
  std::mt19937_64 random(9);
  for (int round = 0; round < 4; ++round) {
    Owner all(static_cast<u64>(round));
    const usize most = usize{1} << (8 + 3 * round);
    for (int step = 0; step < 200'000; ++step) {
      const bool comes = all.count() < 10 || random() % 100 < 52;
      if (comes && !all.allocate(all.any_size(1, most), random() % 2 == 0, usize{16} << random() % 5)) {
        for (int i = 0; i < 100 && all.count() > 0; ++i) all.release_any();
      } else if (!comes) {
        all.release_any();
      }
      if (step % 1000 == 0) REQUIRE(heap::statistics().live_blocks == all.count());
    }
    all.release_all();
    CHECK(heap::statistics().page_bytes <= heap::kMostIdleBytes);
  }
}
