// Composition root of the kernel: brings the machine up step by step, then runs the program.
#include "arch/x86/core.h"
#include "arch/x86/print.h"
#include "arch/x86/processor.h"
#include "arch/x86/stacks.h"
#include "arch/x86/streams.h"
#include "boot/crash_disk.h"
#include "boot/disk_model.h"
#include "boot/init.h"
#include "boot/machine_words.h"
#include "boot/run.h"
#include "boot/selftest.h"
#include "runtime/calendar.h"
#include "runtime/options.h"
#include "runtime/platform.h"
#include "runtime/program_imports.h"
#include "runtime/status_line.h"

// Set by entry.S at its first instructions.
extern "C" bf::u64 boot_first_ticks;

namespace bf {

namespace {

struct InitStep {
  const char* name;
  Result<void> (*run)();
};
constexpr InitStep kInitSteps[] = {
#define BF_INIT_STEP(function, needs) {#function, boot::function},
#include "boot/init_steps.def"
#undef BF_INIT_STEP
};

[[noreturn]] void refuse(const char* message) {
  x86::begin_emergency_output();
  x86::print("error: %s\n", message);
  platform::exit(kBadInputStatus);
}

// bench/guest.py and test/boot count instructions by these lines.
void print_ticks_to(const char* place) {
  x86::print("[boot] %lu ticks from the first instruction to the %s\n",
             platform::ticks() - boot_first_ticks, place);
}

void print_date() {
  const u64 now = platform::wall_clock();
  const DateAndTime d = date_of(now);
  if (now == 0) x86::print("[boot] date: unknown\n");
  else
    x86::print("[boot] date: %04u-%02u-%02u %02u:%02u:%02u UTC\n", d.year, d.month, d.day, d.hour,
               d.minute, d.second);
}

// On the big stack.
void run_on_main_stack() {
  boot::keep_crash_records();
  if (const auto name = options::find("selftest")) platform::exit(boot::run_selftest(*name));
  if (auto model = boot::find_model(); !model) refuse(model.error().message());
  print_ticks_to("program");
  print_date();
  if (x86::online_cores() > 1) set_usual_compile_threads(1);
  if (x86::has_status_line()) status_line::show_on(x86::show_status);
  set_console_columns(x86::console_columns);
  boot::provide_machine_words();
  set_terminal(options::find("interactive").value_or("0") == "1");
  const i32 status = run_program();
  print_ticks_to("end");
  platform::exit(status);
}

}  // namespace

extern "C" [[noreturn]] void kernel_main(const u8* boot_info_address) {
  x86::start_first_core();
  x86::read_features(x86::start_vector_state());
  boot::set_boot_info_address(boot_info_address);
  for (const InitStep& step : kInitSteps) {
    auto done = step.run();
    if (!done) refuse(done.error().message());
  }
  u8* stack = x86::allocate_stack(x86::kMainStackBytes);
  if (stack == nullptr) refuse("not enough memory for the program's stack: give the machine more");
  x86::bf_switch_stack(stack, run_on_main_stack);
}

}  // namespace bf
