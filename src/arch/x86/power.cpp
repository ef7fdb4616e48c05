#include "arch/x86/power.h"

#include <cstring>

#include "arch/x86/clock.h"
#include "arch/x86/memory.h"
#include "arch/x86/port_io.h"
#include "arch/x86/print.h"
#include "arch/x86/smp.h"
#include "arch/x86/streams.h"
#include "arch/x86/watchdog.h"
#include "runtime/options.h"
#include "runtime/platform.h"

namespace bf {

namespace {

u8 root_pointer[64];
usize root_pointer_bytes = 0;

constexpr u32 kLargestPortStatus = 126;

void write_exit_port(i32 status) {
  const auto option = options::find("exit-port");
  if (!option || *option == "none") return;
  const u16 port = x86::parse_port(*option);
  if (port == 0) return x86::print("error: exit-port is not a port number\n");
  const u32 wanted = static_cast<u32>(status);
  x86::out32(port, (wanted < kLargestPortStatus ? wanted : kLargestPortStatus) + 1);
}

std::span<const u8> view_memory(void*, u64 address, usize bytes) {
  if (!x86::make_readable(address, bytes)) return {};
  return {reinterpret_cast<const u8*>(address), bytes};
}

// PM1 control register (ACPI 6.5, table 4.18).
constexpr u16 kAcpiIsOn = 1 << 0;
constexpr u16 kSleepTypeMask = 7 << 10;
constexpr u16 kSleepEnable = 1 << 13;

void enable_acpi(const x86::acpi::PowerControl& power) {
  if ((x86::in16(power.pm1a_control) & kAcpiIsOn) != 0 || power.smi_command == 0) return;
  x86::out8(power.smi_command, power.acpi_enable);
  x86::wait_for(3'000'000'000,
                [&] { return (x86::in16(power.pm1a_control) & kAcpiIsOn) != 0; });
}

void sleep(u16 port, u8 type) {
  if (port == 0) return;
  const u16 kept = x86::in16(port) & static_cast<u16>(~(kSleepTypeMask | kSleepEnable));
  x86::out16(port, static_cast<u16>(kept | (type & 7) << 10 | kSleepEnable));
}

void power_off() {
  auto power =
      x86::acpi::find_power_control({root_pointer, root_pointer_bytes}, view_memory, nullptr);
  if (!power) return x86::print("no power-off: %s\n", power.error().message());
  enable_acpi(*power);
  sleep(power->pm1a_control, power->sleep_type_a);
  sleep(power->pm1b_control, power->sleep_type_b);
  x86::pause_for(1'000'000'000);
  x86::print("the machine did not switch itself off\n");
}

}  // namespace

namespace {

[[noreturn]] void halt() {
  x86::flush_streams();
  for (;;) asm volatile("cli; hlt");
}

// What ACPI names; the keyboard controller's reset line; the reset control register of PC chipsets
// (Intel ICH9 data sheet, 13.7.4); and a fault that nobody can handle.
[[noreturn]] void reboot() {
  constexpr u64 kPatience = 100'000'000;
  auto power =
      x86::acpi::find_power_control({root_pointer, root_pointer_bytes}, view_memory, nullptr);
  if (power && power->reset_port != 0) {
    x86::out8(power->reset_port, power->reset_value);
    x86::pause_for(kPatience);
  }
  x86::out8(0x64, 0xfe);
  x86::pause_for(kPatience);
  x86::out8(0xcf9, 0x02);
  x86::out8(0xcf9, 0x06);
  x86::pause_for(kPatience);
  constexpr u8 kNoTable[10] = {};
  asm volatile("lidt %0; int3" : : "m"(kNoTable));
  halt();
}

}  // namespace

Result<void> x86::check_end_after_fault() {
  const std::string_view wish = options::find("on-fault").value_or("halt");
  if (wish == "halt" || wish == "reboot") return {};
  return Error::format("on-fault=%.*s: use halt or reboot",
                       static_cast<int>(wish.size() < 40 ? wish.size() : 40), wish.data());
}

void x86::end_after_fault(i32 status) {
  const auto wish = options::find("on-fault");
  if (!wish) platform::exit(status);
  const bool again = *wish == "reboot";
  print("status %d: the machine %s\n", status, again ? "starts again" : "has stopped");
  flush_streams();
  if (again) reboot();
  halt();
}

void x86::set_acpi_root_pointer(std::span<const u8> bytes) {
  root_pointer_bytes = bytes.size() < sizeof root_pointer ? bytes.size() : sizeof root_pointer;
  std::memcpy(root_pointer, bytes.data(), root_pointer_bytes);
}

Result<std::span<const u8>> x86::find_acpi_table(const char* signature) {
  return acpi::find_table({view_memory, nullptr}, {root_pointer, root_pointer_bytes}, signature);
}

x86::acpi::Timers x86::find_timers() {
  return acpi::find_timers({root_pointer, root_pointer_bytes}, view_memory, nullptr);
}

namespace {

// Nobody else does anything any more.
void stop_everything() {
  x86::stop_watchdog();
  x86::stop_streams();
  x86::stop_other_cores();
  x86::begin_emergency_output();
  x86::flush_streams();
}

}  // namespace

void x86::restart() {
  stop_everything();
  reboot();
}

void platform::exit(i32 status) {
  stop_everything();
  write_exit_port(status);
  if (status != 0 && !options::find("exit-port")) {
    // On a PC the screen is all there is: leave what went wrong on it.
    x86::print("status %d: the machine has stopped\n", status);
    x86::flush_streams();
    if (options::find("on-error").value_or("halt") == "halt")
      for (;;) asm volatile("cli; hlt");
  }
  power_off();
  x86::print("it is safe to switch the machine off\n");
  x86::flush_streams();
  for (;;) asm volatile("cli; hlt");
}

}  // namespace bf
