#include "arch/x86/backtrace.h"

#include <cstddef>
#include <string_view>

#include "arch/x86/image.h"
#include "arch/x86/print.h"
#include "arch/x86/stacks.h"
#include "arch/x86/symbols.h"

namespace bf {

[[gnu::weak]] const char* describe_code_address(u64) {
  return nullptr;
}

[[gnu::weak]] bool times_a_call(u64) {
  return false;
}

[[gnu::weak]] const char* describe_interpreted(std::span<const u64>) {
  return nullptr;
}

}  // namespace bf

namespace bf::x86 {

namespace {

constexpr int kMaxFrames = 40;

// Words of the frame that the function at an address works with.
using Words = std::span<const u64>;

void print_frame(int index, u64 address, Words words) {
  char name[160];
  u64 offset = 0;
  // A return address belongs to the call before it, which may be its function's last instruction.
  const u64 inside = index == 0 ? address : address - 1;
  if (is_kernel_text(inside) && find_symbol(inside, name, sizeof name, offset)) {
    print("  #%-2d %#lx %s+%#lx", index, address, name, offset + (address - inside));
    const bool interprets = std::string_view{name}.find("::interp::") != std::string_view::npos;
    if (const char* text = interprets ? describe_interpreted(words) : nullptr) print(" [%s]", text);
    print("\n");
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
  Walker(u64 rsp, u64 rbp) : low_(rsp), rbp_(rbp) {}

  // The next caller's address; 0 at the end.
  u64 next() {
    if (rbp_ % 8 != 0 || !is_on_stack(rbp_, 16)) return 0;
    const auto* frame = reinterpret_cast<const u64*>(rbp_);
    low_ = rbp_ + 16;
    rbp_ = frame[0] > rbp_ ? frame[0] : 0;
    return frame[1];
  }

  // What lies between the frame pointer and the frame below.
  Words words() const {
    constexpr u64 kMost = 256 * sizeof(u64);
    if (low_ % 8 != 0 || rbp_ % 8 != 0 || low_ >= rbp_) return {};
    const u64 bytes = rbp_ - low_ < kMost ? rbp_ - low_ : kMost;
    if (!is_on_stack(low_, bytes)) return {};
    return {reinterpret_cast<const u64*>(low_), bytes / sizeof(u64)};
  }

 private:
  u64 low_, rbp_;
};

}  // namespace

void print_backtrace(const ExceptionFrame& where) {
  print("backtrace:\n");
  Walker walker(where.rsp, where.rbp);
  // Where it happened the registers know best.
  Words words(&where.rax, offsetof(ExceptionFrame, vector) / sizeof(u64));
  if (describe_interpreted(words) == nullptr) words = walker.words();
  int printed = 0;
  for (u64 address = where.rip; printed < kMaxFrames;) {
    if (printed == 0 || !times_a_call(address - 1)) print_frame(printed++, address, words);
    const u64 last = address;
    u64 repeated = 0;
    while ((address = walker.next()) == last) ++repeated;
    if (repeated > 0) print("      the same %lu times more\n", repeated);
    if (address == 0) return;
    words = walker.words();
  }
  print("  (cut after %d lines)\n", kMaxFrames);
}

}  // namespace bf::x86
