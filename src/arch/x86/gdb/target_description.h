// target.xml: which registers there are ("Target Descriptions" in GDB's manual).
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::x86::gdb {

// Up to `bytes` of the document from an offset on, written to `to`; how many they are. 0 at its end.
usize read_target_description(bool with_avx, u64 offset, char* to, usize bytes);

}  // namespace bf::x86::gdb
