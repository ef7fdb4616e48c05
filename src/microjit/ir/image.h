// The binary image of a module: what `bf-lower` writes and the machine loads.
//
// Versioned, checksummed, position-independent; integers are LEB128, the layout is in docs/ir.md.
// Reading validates everything and verifies the module: a damaged or hostile image is an Error.
#pragma once

#include <span>

#include "microjit/ir/module.h"

namespace bf::ir {

inline constexpr u32 kImageMagic = 0x52494642;  // "BFIR"
inline constexpr u32 kImageVersion = 2;

// Makes the header of a changed image right again (size and checksum), so that tools and fuzzers get
// past it. `image` has at least a header's length, or is left alone.
void seal_image(std::span<u8> image);

std::vector<u8> write_image(const Module& module);
Result<Module> read_image(std::span<const u8> bytes);

}  // namespace bf::ir
