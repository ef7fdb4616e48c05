// The steps of init_steps.def, one function each.
#pragma once

#include "boot/boot_info.h"
#include "runtime/base.h"

namespace bf::boot {

#define BF_INIT_STEP(function, needs) Result<void> function();
#include "boot/init_steps.def"
#undef BF_INIT_STEP

// What the boot loader handed over, valid after read_boot_info.
const BootInfo& boot_info();

// Where the boot loader has put its information; to be told before the steps run.
void set_boot_info_address(const u8* address);

}  // namespace bf::boot
