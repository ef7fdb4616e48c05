// The physical page allocator and its range lists, on the host's memory.
#include "arch/x86/frames.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "runtime/platform.h"

using namespace bf;
using namespace bf::x86;

namespace {

constexpr u64 kPage = platform::kPageBytes;

// `pages` pages of real memory to be given out.
Range some_memory(u64 pages) {
  const auto start = reinterpret_cast<u64>(platform::allocate_pages(pages * kPage));
  return {start, start + pages * kPage};
}

}  // namespace

TEST_CASE("ranges: added inward, merged, removed outward") {
  RangeList list;
  list.add({0x1001, 0x3fff});
  REQUIRE(list.all().size() == 1);
  CHECK(list.all()[0].start == 0x2000);
  CHECK(list.all()[0].end == 0x3000);
  list.add({0x8000, 0x9000});
  list.add({0x3000, 0x8000});
  REQUIRE(list.all().size() == 1);
  CHECK(list.bytes() == 0x7000);
  list.remove({0x4fff, 0x5001});
  REQUIRE(list.all().size() == 2);
  CHECK(list.all()[0].end == 0x4000);
  CHECK(list.all()[1].start == 0x6000);
  list.remove({0, ~u64{0}});
  CHECK(list.all().empty());
}

TEST_CASE("ranges: the end of the address space, empty and full lists") {
  RangeList list;
  list.add({~u64{0} - 0x1800, ~u64{0}});
  CHECK(list.bytes() <= 0x1000);
  list.remove({~u64{0} - 10, ~u64{0}});
  list.add({5, 5});
  list.add({9, 3});
  RangeList full;
  for (u64 i = 0; i < 2 * RangeList::kCapacity; ++i) full.add({i * 0x2000, i * 0x2000 + 0x1000});
  CHECK(full.all().size() == RangeList::kCapacity);
  full.remove({0x100, 0x200});
  CHECK(full.all().size() == RangeList::kCapacity - 1);
}

TEST_CASE("frames: what is released can be had again, whole") {
  const Range memory = some_memory(64);
  FrameAllocator frames;
  frames.add({memory.start, memory.start + 10 * kPage});
  frames.add({memory.start + 20 * kPage, memory.end});
  frames.add({memory.start + 10 * kPage, memory.start + 20 * kPage});
  CHECK(frames.free_bytes() == 64 * kPage);
  CHECK(frames.allocate(65 * kPage) == 0);
  const u64 all = frames.allocate(64 * kPage);
  CHECK(all == memory.start);
  CHECK(frames.allocate(kPage) == 0);
  frames.release(all, 64 * kPage);
  CHECK(frames.allocate(64 * kPage) == all);
}

TEST_CASE("frames: at random, nothing is given out twice and nothing is lost") {
  constexpr u64 kPages = 256;
  const Range memory = some_memory(kPages);
  FrameAllocator frames;
  frames.add(memory);
  std::map<u64, u64> taken;
  u64 taken_bytes = 0;
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    if (random() % 2 == 0) {
      const u64 bytes = (1 + random() % 12) * kPage;
      const u64 at = frames.allocate(bytes);
      if (at == 0) continue;
      const auto next = taken.lower_bound(at);
      REQUIRE((next == taken.end() || at + bytes <= next->first));
      REQUIRE((next == taken.begin() || std::prev(next)->first + std::prev(next)->second <= at));
      taken[at] = bytes;
      taken_bytes += bytes;
    } else if (!taken.empty()) {
      auto victim = std::next(taken.begin(), random() % taken.size());
      frames.release(victim->first, victim->second);
      taken_bytes -= victim->second;
      taken.erase(victim);
    }
    REQUIRE(frames.free_bytes() == kPages * kPage - taken_bytes);
  }
  for (const auto& [at, bytes] : taken) frames.release(at, bytes);
  CHECK(frames.allocate(kPages * kPage) == memory.start);
}
