#include "arch/x86/exceptions.h"

namespace bf {

// The trap has the registers of who panics, and exceptions.cpp reports them.
void panic(const char* file, int line, const char* message) {
  x86::bf_panic_trap(file, line, message, __builtin_frame_address(0));
}

}  // namespace bf
