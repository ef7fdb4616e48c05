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

// The frames above one, by the chain of saved frame pointers. Libraries keep no frame pointers, so
// any value may be in the chain: only words that lie on a stack are read, and it must go up.
class Walker {
 public:
  explicit Walker(u64 rbp) : rbp_(rbp) {}

  // The next caller's address; 0 at the end.
  u64 next() {
    if (rbp_ % 8 != 0 || !is_on_stack(rbp_, 16)) return 0;
    const auto* frame = reinterpret_cast<const u64*>(rbp_);
    rbp_ = frame[0] > rbp_ ? frame[0] : 0;
    return frame[1];
  }

 private:
  u64 rbp_;
};

}  // namespace

void print_backtrace(u64 rip, u64 rbp) {
  print("backtrace:\n");
  Walker walker(rbp);
  int printed = 0;
  u64 repeated = 0;
  for (u64 last = rip, address = rip; printed < kMaxFrames;) {
    print_frame(printed++, address);
    last = address;
    for (repeated = 0; (address = walker.next()) == last; ++repeated) {
    }
    if (repeated > 0) print("      the same %lu times more\n", repeated);
    if (address == 0) return;
  }
  print("  (cut after %d lines)\n", kMaxFrames);
}

}  // namespace bf::x86
