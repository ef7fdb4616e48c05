#include "arch/x86/backtrace.h"

#include "arch/x86/image.h"
#include "arch/x86/print.h"
#include "arch/x86/stacks.h"
#include "arch/x86/symbols.h"

namespace bf {

[[gnu::weak]] const char* describe_code_address(u64) {
  return nullptr;
}

}  // namespace bf

namespace bf::x86 {

namespace {

constexpr int kMaxFrames = 40;

void print_frame(int index, u64 address) {
  char name[160];
  u64 offset = 0;
  // A return address belongs to the call before it, which may be its function's last instruction.
  const u64 inside = index == 0 ? address : address - 1;
  if (is_kernel_text(inside) && find_symbol(inside, name, sizeof name, offset)) {
    print("  #%-2d %#lx %s+%#lx\n", index, address, name, offset + (address - inside));
  } else if (const char* text = describe_code_address(inside)) {
    print("  #%-2d %#lx %s\n", index, address, text);
  } else {
    print("  #%-2d %#lx %s\n", index, address, is_kernel_text(inside) ? "?" : "(not kernel code)");
  }
}

}  // namespace

void print_backtrace(u64 rip, u64 rbp) {
  print("backtrace:\n");
  print_frame(0, rip);
  // Libraries keep no frame pointers, so any value may be in the chain: only words that lie on a
  // stack are read, and the chain must go up.
  for (int i = 1; i < kMaxFrames; ++i) {
    if (rbp % 8 != 0 || !is_on_stack(rbp, 16)) return;
    const auto* frame = reinterpret_cast<const u64*>(rbp);
    if (frame[1] == 0) return;
    print_frame(i, frame[1]);
    if (frame[0] <= rbp) return;
    rbp = frame[0];
  }
  print("  (cut after %d frames)\n", kMaxFrames);
}

}  // namespace bf::x86
