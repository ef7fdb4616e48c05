#include "arch/x86/backtrace.h"
#include "arch/x86/exceptions.h"
#include "arch/x86/print.h"
#include "runtime/platform.h"

namespace bf {

void panic(const char* file, int line, const char* message) {
  if (!x86::begin_report()) platform::exit(x86::kPanicStatus);
  x86::print("\npanic: %s (%s:%d)\n", message, file, line);
  x86::print_backtrace(reinterpret_cast<u64>(__builtin_return_address(0)),
                       *static_cast<const u64*>(__builtin_frame_address(0)));
  platform::exit(x86::kPanicStatus);
}

}  // namespace bf
