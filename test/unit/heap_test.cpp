// The heap: many blocks of all sizes, kept apart, aligned, zeroed, and given back.
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

#include "runtime/heap.h"

namespace heap = bf::heap;

namespace {

struct Block {
  unsigned char* data;
  size_t bytes;
  unsigned char mark;
};

bool is_filled(const Block& block) {
  for (size_t i = 0; i < block.bytes; ++i)
    if (block.data[i] != block.mark) return false;
  return true;
}

}  // namespace

TEST_CASE("blocks of any size and alignment keep their contents") {
  const auto before = heap::statistics();
  std::mt19937 random(7);
  std::vector<Block> blocks;
  for (int step = 0; step < 40'000; ++step) {
    if (blocks.size() < 300 && random() % 2 == 0) {
      const size_t size = random() % (1u << random() % 18);
      const size_t alignment = size_t{16} << random() % 9;
      const bool zeroed = random() % 2 == 0;
      auto* data = static_cast<unsigned char*>(zeroed ? heap::allocate_zeroed(size, alignment)
                                                      : heap::allocate(size, alignment));
      REQUIRE(data != nullptr);
      REQUIRE(reinterpret_cast<uintptr_t>(data) % alignment == 0);
      REQUIRE(heap::usable_bytes(data) >= size);
      if (zeroed) REQUIRE(is_filled({data, size, 0}));
      blocks.push_back({data, size, static_cast<unsigned char>(random())});
      std::memset(data, blocks.back().mark, size);
    } else if (!blocks.empty()) {
      const size_t index = random() % blocks.size();
      REQUIRE(is_filled(blocks[index]));
      heap::release(blocks[index].data);
      blocks[index] = blocks.back();
      blocks.pop_back();
    }
  }
  for (const Block& block : blocks) {
    REQUIRE(is_filled(block));
    heap::release(block.data);
  }
  const auto after = heap::statistics();
  CHECK(after.live_blocks == before.live_blocks);
  CHECK(after.live_bytes == before.live_bytes);
}

TEST_CASE("large blocks go back to the platform, small ones are used again") {
  const auto before = heap::statistics();
  void* large = heap::allocate(10 << 20);
  CHECK(heap::statistics().page_bytes >= before.page_bytes + (10 << 20));
  heap::release(large);
  CHECK(heap::statistics().page_bytes == before.page_bytes);
  void* small = heap::allocate(100);
  heap::release(small);
  CHECK(heap::allocate(100) == small);
  heap::release(small);
}

TEST_CASE("reallocate keeps what fits") {
  auto* data = static_cast<char*>(heap::reallocate(nullptr, 10));
  std::memcpy(data, "123456789", 10);
  for (size_t size : {20ul, 5000ul, 100'000ul, 3'000'000ul, 50ul, 10ul}) {
    data = static_cast<char*>(heap::reallocate(data, size));
    REQUIRE(data != nullptr);
    CHECK(std::strcmp(data, "123456789") == 0);
    CHECK(heap::usable_bytes(data) >= size);
  }
  heap::release(data);
}

TEST_CASE("what cannot be had is null") {
  CHECK(heap::allocate(SIZE_MAX) == nullptr);
  CHECK(heap::allocate(SIZE_MAX - 100, 4096) == nullptr);
  CHECK(heap::allocate(size_t{1} << 60) == nullptr);
  heap::release(nullptr);
  void* empty = heap::allocate(0);
  CHECK(empty != nullptr);
  heap::release(empty);
}
