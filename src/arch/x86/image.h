// Where the parts of the kernel image lie; the linker script boot/kernel.ld defines the names.
#pragma once

#include "runtime/base.h"

extern "C" {
extern bf::u8 kernel_text_start[], kernel_text_end[];
extern bf::u8 kernel_rodata_start[], kernel_rodata_end[];
extern bf::u8 kernel_data_start[], kernel_data_end[];
extern bf::u8 kernel_symbols_start[], kernel_symbols_end[];
extern bf::u8 kernel_end[];
extern bf::u8 early_stack_guard[], early_stack_top[];
}

namespace bf::x86 {

inline bool is_kernel_text(u64 address) {
  return address >= reinterpret_cast<u64>(kernel_text_start) &&
         address < reinterpret_cast<u64>(kernel_text_end);
}

}  // namespace bf::x86
