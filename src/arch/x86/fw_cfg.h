// QEMU's firmware configuration device: files that the launcher passes from the host.
#pragma once

#include <span>
#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

struct FwCfgFile {
  u32 bytes = 0;
  u16 selector = 0;
};

// Looks a file up; false if there is none, or this is not QEMU.
bool find_fw_cfg_file(std::string_view name, FwCfgFile& file);

// Reads the start of a file, as much as `to` holds.
void read_fw_cfg_file(const FwCfgFile& file, std::span<u8> to);

}  // namespace bf::x86
