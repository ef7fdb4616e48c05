#include <cstring>

#include "arch/x86/disks.h"
#include "arch/x86/memory.h"
#include "arch/x86/print.h"
#include "boot/selftest.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

using x86::print;

constexpr usize kBytes = usize{20} << 20;  // more than one command of any disk holds

// What test/boot expects at an offset of the disk.
u32 word_at(u64 offset) {
  return static_cast<u32>(offset / 4 * 2654435761u) ^ 0x5a5a0000;
}

void fill(std::span<u8> bytes, u64 offset) {
  for (usize i = 0; i < bytes.size(); i += 4) {
    const u32 word = word_at(offset + i);
    std::memcpy(&bytes[i], &word, 4);
  }
}

Result<void> write_and_read(x86::DmaDisk& disk, std::span<u8> memory, std::span<u8> again) {
  const u64 start = disk.sector_bytes();
  fill(memory, start);
  if (auto done = disk.write(start, memory); !done) return done;
  // From and to a stack, which no disk reaches by itself; in the middle of sectors, and the last
  // one.
  alignas(64) u8 little[4096];
  const u64 last = disk.bytes() - sizeof little;
  fill(little, last);
  if (auto done = disk.write(last, little); !done) return done;
  const u64 middle = start + kBytes + 100;
  fill({little, 1000}, middle);
  if (auto done = disk.write(middle, {little, 1000}); !done) return done;
  if (auto done = disk.flush(); !done) return done;

  if (auto done = disk.read(start, again); !done) return done;
  if (std::memcmp(memory.data(), again.data(), kBytes) != 0)
    return Error::format("other bytes came back");
  u8 read[1000];
  if (auto done = disk.read(middle, read); !done) return done;
  if (std::memcmp(read, little, sizeof read) != 0)
    return Error::format("other bytes came back from the middle");
  if (disk.read(disk.bytes(), {read, 1})) return Error::format("there is something behind the end");
  return {};
}

// Above 4 GiB where there is some, which not every controller reaches. Nobody else needs what is
// below.
u8* take_memory() {
  u8* memory = nullptr;
  while (void* more = x86::take_pages(2 * kBytes)) {
    memory = static_cast<u8*>(more);
    if (reinterpret_cast<u64>(memory) >> 32 != 0) break;
    if (platform::kPageBytes * 1024 + 2 * kBytes > x86::free_memory_bytes()) break;
  }
  print("[selftest] transfers at %#lx\n", reinterpret_cast<u64>(memory));
  return memory;
}

}  // namespace

i32 selftest_disks() {
  u8* const memory = take_memory();
  if (memory == nullptr) return 1;
  for (x86::DmaDisk* disk : x86::find_disks()) {
    if (!disk->writable()) {
      u8 magic[5];  // ISO 9660's first descriptor
      auto done = disk->read(16 * 2048 + 1, magic);
      print("[selftest] %s: %s\n", disk->name(),
            done ? std::memcmp(magic, "CD001", 5) == 0 ? "a disc" : "no disc"
                 : done.error().message());
      continue;
    }
    auto done = write_and_read(*disk, {memory, kBytes}, {memory + kBytes, kBytes});
    print("[selftest] %s: %s\n", disk->name(), done ? "as written" : done.error().message());
    if (!done) return 1;
  }
  return x86::find_disks().empty() ? 1 : 0;
}

}  // namespace bf::boot
