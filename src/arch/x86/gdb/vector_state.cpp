#include "arch/x86/gdb/vector_state.h"

#include <cstring>

#include "arch/x86/registers.h"
#include "runtime/platform.h"

namespace bf::x86::gdb {

namespace {

// Intel SDM volume 1, 13.4: the legacy region, a header that begins with the components that are
// there, and component 2 where CPUID says.
constexpr u32 kAvx = 1 << 2, kHeader = 512, kMostBytes = 2048;

struct alignas(64) Area {
  u8 bytes[kMostBytes];
};

// 0 if there is no such component.
u32 place_of_avx() {
  if (!platform::cpu_features().avx) return 0;
  const Cpuid component = cpuid(0xd, 2);
  return component.eax == 256 && component.ebx <= kMostBytes - 256 ? component.ebx : 0;
}

}  // namespace

void read_upper_halves(std::span<u8, 256> bytes) {
  Area area = {};
  const u32 place = place_of_avx();
  if (place != 0) asm volatile("xsave64 %0" : "+m"(area) : "a"(kAvx), "d"(0));
  std::memcpy(bytes.data(), &area.bytes[place], bytes.size());
  if (place == 0) std::memset(bytes.data(), 0, bytes.size());
}

// Registers that are zero and were not in use stay so.
void write_upper_halves(std::span<const u8, 256> bytes) {
  const u32 place = place_of_avx();
  if (place == 0) return;
  Area area = {};
  for (const u8 byte : bytes)
    if (byte != 0) area.bytes[kHeader] = kAvx;
  std::memcpy(&area.bytes[place], bytes.data(), bytes.size());
  asm volatile("xrstor64 %0" : : "m"(area), "a"(kAvx), "d"(0));
}

}  // namespace bf::x86::gdb
