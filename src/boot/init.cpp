#include "boot/init.h"

#include "arch/x86/blobs.h"
#include "arch/x86/clock.h"
#include "arch/x86/cmos.h"
#include "arch/x86/core.h"
#include "arch/x86/exceptions.h"
#include "arch/x86/fw_cfg.h"
#include "arch/x86/gdb/server.h"
#include "arch/x86/gdt.h"
#include "arch/x86/image.h"
#include "arch/x86/memory.h"
#include "arch/x86/page_table.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "arch/x86/processor.h"
#include "arch/x86/smp.h"
#include "arch/x86/stacks.h"
#include "arch/x86/streams.h"
#include "arch/x86/screen/screen.h"
#include "arch/x86/watchdog.h"
#include "boot/boot_options.h"
#include "runtime/platform.h"

extern "C" void (*kernel_init_array_start[])();
extern "C" void (*kernel_init_array_end[])();

namespace bf::boot {

using x86::print;
namespace acpi = x86::acpi;

namespace {

BootInfo info;
const u8* info_address = nullptr;
OptionsText options_text;

// Before start_memory, what entry.S has mapped: the first 4 GiB. Modules lie in it, since their
// addresses have 32 bits.
std::span<const u8> module_bytes(const Module& m) {
  return {reinterpret_cast<const u8*>(u64{m.start}), m.end - m.start};
}

const Module* find_module(std::string_view name) {
  for (const Module& m : info.module_list())
    if (name == m.name) return &m;
  return nullptr;
}

constexpr u64 kEarlyMappedEnd = u64{4} << 30;

bool has_pixels() {
  return info.pixels.address != 0 && bool(x86::check_pixels(info.pixels));
}

void start_text() {
  const TextScreen& text = info.screen;
  if (text.address != 0) x86::start_text_screen(text.address, text.columns, text.rows);
}

// As far as it can be reached; more of it when set_up_memory is done.
void start_screen() {
  start_text();
  if (has_pixels() && info.pixels.address + info.pixels.bytes() <= kEarlyMappedEnd)
    x86::start_pixel_screen(info.pixels);
}

// The same with the page tables that stay.
void start_screen_again() {
  const x86::PixelScreen& p = info.pixels;
  start_text();
  if (p.address == 0) return;
  if (auto fits = x86::check_pixels(p); !fits) return print("[boot] %s\n", fits.error().message());
  if (!x86::map_framebuffer(p.address, p.bytes()))
    return print("[boot] no screen: its memory at %#lx cannot be mapped\n", p.address);
  x86::start_pixel_screen(p);
  print("[boot] screen: %u x %u pixels of %u bits, %u x %u characters\n", p.width, p.height, p.bits,
        x86::screen_columns(), x86::screen_rows());
}

}  // namespace

const BootInfo& boot_info() {
  return info;
}

void set_boot_info_address(const u8* address) {
  info_address = address;
}

Result<void> start_faults() {
  x86::start_segments(x86::this_core().segments);
  x86::start_exceptions();
  x86::mask_interrupt_controllers();
  return {};
}

Result<void> read_boot_info() {
  const usize bytes = boot_info_bytes(std::span<const u8, 8>{info_address, 8});
  auto done = parse_boot_info({info_address, bytes}, info);
  if (!done) return done;
  start_screen();
  x86::set_acpi_root_pointer({info.acpi_root_pointer, info.acpi_root_pointer_bytes});
  return {};
}

Result<void> gather_options() {
  options_text.add_words(info.command_line);
  if (const Module* module = find_module("options")) {
    const auto bytes = module_bytes(*module);
    options_text.add_lines({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  x86::FwCfgFile file;
  if (x86::find_fw_cfg_file("opt/bareflow/options", file)) {
    usize bytes = file.bytes;
    char* room = options_text.add_room(bytes);
    // Its first lines say how the machine is to end, and it is about to.
    if (room == nullptr) room = options_text.add_room(bytes = options_text.room());
    x86::read_fw_cfg_file(file, {reinterpret_cast<u8*>(room), bytes});
  }
  const auto text = options_text.view();
  x86::add_blob("options", {reinterpret_cast<const u8*>(text.data()), text.size()});
  if (options_text.overflowed())
    return Error::format("the options are longer than %lu bytes", OptionsText::capacity());
  return {};
}

Result<void> open_streams() {
  auto opened = x86::start_streams();
  if (opened) print("[boot] BareFlow, loaded by %s\n", info.loader[0] != 0 ? info.loader : "?");
  return opened;
}

Result<void> check_fault_options() {
  return x86::check_end_after_fault();
}

Result<void> start_debugger() {
  return x86::gdb::start();
}

Result<void> watch() {
  return x86::start_watchdog();
}

Result<void> check_processor() {
  auto capped = x86::cap_features();
  if (!capped) return capped;
  print("[boot] processor: %s\n[boot] features: sse2", x86::processor_name().text);
  const auto& features = platform::cpu_features();
#define BF_CPU_FEATURE(name, text) \
  if (features.name) print(" %s", text);
#include "runtime/cpu_features.def"
#undef BF_CPU_FEATURE
  print("\n");
  if (!x86::has_no_execute()) print("[boot] this processor has no NX bit: data can be executed\n");
  return {};
}

Result<void> set_up_memory() {
  static x86::RangeList ram;
  for (const MemoryRange& r : info.memory_ranges())
    if (r.kind == MemoryRange::Kind::Usable) ram.add({r.start, r.start + r.bytes});
  // Firmware has been seen to list the same pages twice: what is anything else as well is not ours.
  for (const MemoryRange& r : info.memory_ranges())
    if (r.kind != MemoryRange::Kind::Usable) ram.remove({r.start, r.start + r.bytes});

  static x86::Range modules[BootInfo::kMaxModules];
  u64 module_total = 0;
  for (usize i = 0; i < info.module_count; ++i) {
    modules[i] = {info.modules[i].start, info.modules[i].end};
    module_total += modules[i].bytes();
  }
  x86::start_memory_types();
  x86::stop_drawing();
  auto started = x86::start_memory(ram.all(), {modules, info.module_count});
  if (!started) {
    start_screen();
    return started;
  }
  start_screen_again();
  print("[boot] memory: %lu MiB of RAM, %lu KiB kernel, %lu KiB modules, %lu MiB free\n",
        ram.bytes() >> 20, static_cast<u64>(kernel_end - kernel_text_start) >> 10,
        module_total >> 10, x86::free_memory_bytes() >> 20);
  return {};
}

Result<void> set_up_stacks() {
  if (!x86::start_interrupt_stacks(x86::this_core().segments)) return Error::format("not enough memory for stacks");
  return {};
}

Result<void> run_constructors() {
  for (auto* constructor = kernel_init_array_start; constructor < kernel_init_array_end;
       ++constructor)
    (*constructor)();
  return {};
}

Result<void> gather_files() {
  for (const Module& m : info.module_list()) {
    print("[boot] module: %s, %lu bytes\n", m.name, module_bytes(m).size());
    if (std::string_view{m.name} != "options" && !x86::add_blob(m.name, module_bytes(m)))
      return Error::format("too many boot modules");
  }
  x86::FwCfgFile file;
  if (!x86::find_fw_cfg_file("opt/bareflow/prompt", file)) return {};
  auto* prompt = static_cast<u8*>(x86::take_pages(file.bytes + 1));
  if (prompt == nullptr)
    return Error::format("not enough memory for a prompt of %u bytes", file.bytes);
  x86::read_fw_cfg_file(file, {prompt, file.bytes});
  x86::add_blob("prompt", {prompt, file.bytes});
  return {};
}

Result<void> set_up_clock() {
  const acpi::Timers found = x86::find_timers();
  x86::set_century_register(found.century);
  const x86::ClockReport clock = x86::start_clock(found);
  const auto megahertz = [](u64 hertz) { return (hertz + 500'000) / 1'000'000; };
  print("[boot] clock: %lu MHz (%s", megahertz(platform::ticks_per_second()), clock.source);
  if (clock.check != nullptr)
    print(clock.agrees ? "; %s: %lu" : "; but %s says %lu", clock.check,
          megahertz(clock.check_hertz));
  print("), %s\n", clock.invariant ? "invariant" : "not known to be invariant");
  return {};
}

Result<void> start_cores() {
  return x86::start_cores();
}

}  // namespace bf::boot
