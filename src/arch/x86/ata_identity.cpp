#include "arch/x86/ata_identity.h"

#include <cstring>

namespace bf::x86::ata {

Identity read_identity(std::span<const u8, 512> bytes) {
  const auto word = [&](usize i) { return static_cast<u32>(bytes[2 * i] | bytes[2 * i + 1] << 8); };
  Identity id;
  constexpr usize kModel = 27, kModelWords = 20;
  for (usize i = 0; i < kModelWords; ++i) {  // the first letter is in the upper half
    id.model[2 * i] = static_cast<char>(word(kModel + i) >> 8);
    id.model[2 * i + 1] = static_cast<char>(word(kModel + i));
  }
  for (usize end = 2 * kModelWords; end > 0 && (id.model[end - 1] == ' ' || id.model[end - 1] == 0);
       --end)
    id.model[end - 1] = 0;
  for (char& c : id.model)
    if (c != 0 && (c < ' ' || c > '~')) c = '?';

  id.has_dma = (word(49) >> 8 & 1) != 0;
  id.has_48_bits = (word(83) >> 14) == 1 && (word(83) >> 10 & 1) != 0;
  id.sector_count = word(60) | u64{word(61)} << 16;
  if (id.has_48_bits)
    id.sector_count =
        word(100) | u64{word(101)} << 16 | u64{word(102)} << 32 | u64{word(103)} << 48;
  const u32 sizes = word(106);
  if (sizes >> 14 == 1 && (sizes >> 12 & 1) != 0)
    id.sector_bytes = 2 * (word(117) | word(118) << 16);
  return id;
}

}  // namespace bf::x86::ata
