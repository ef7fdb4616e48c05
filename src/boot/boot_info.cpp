#include "boot/boot_info.h"

#include <cstring>

namespace bf::boot {

namespace {

// Multiboot2 specification 2.0, 3.6.
enum Tag : u32 {
  kEnd = 0,
  kCommandLine = 1,
  kLoaderName = 2,
  kModule = 3,
  kMemoryMap = 6,
  kFramebuffer = 8,
  kAcpiOld = 14,
  kAcpiNew = 15,
};
constexpr usize kHeaderBytes = 8;     // of the structure: size, reserved
constexpr usize kTagHeaderBytes = 8;  // type, size
constexpr usize kTagAlignment = 8;

template <class T>
T read(std::span<const u8> bytes, usize at) {
  T value;
  BF_ASSERT(at <= bytes.size() && bytes.size() - at >= sizeof value);
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The zero-terminated text in the rest of a tag; what is missing of its end is cut.
std::string_view text_in(std::span<const u8> bytes) {
  const char* text = reinterpret_cast<const char*>(bytes.data());
  return {text, bytes.empty() ? 0 : strnlen(text, bytes.size())};
}

// False if it does not fit with its terminator.
template <usize kCapacity>
bool copy_text(char (&to)[kCapacity], std::string_view text) {
  const bool fits = text.size() < kCapacity;
  const usize count = fits ? text.size() : kCapacity - 1;
  std::memcpy(to, text.data(), count);
  to[count] = 0;
  return fits;
}

Error too_short(const char* tag, usize bytes) {
  return Error::format("boot information: the %s tag has only %lu bytes", tag, bytes);
}

Result<void> read_command_line(std::span<const u8> body, BootInfo& info) {
  if (!copy_text(info.command_line, text_in(body)))
    return Error::format(
        "the kernel's command line is longer than %lu bytes: shorten it, or put "
        "the options into a module",
        BootInfo::kMaxCommandLine - 1);
  return {};
}

Result<void> read_loader_name(std::span<const u8> body, BootInfo& info) {
  copy_text(info.loader, text_in(body));
  return {};
}

// 3.6.6: start, end, command line.
Result<void> read_module(std::span<const u8> body, BootInfo& info) {
  if (body.size() < 8) return too_short("module", body.size());
  if (info.module_count == BootInfo::kMaxModules)
    return Error::format("more than %lu boot modules", BootInfo::kMaxModules);
  Module module;
  module.start = read<u32>(body, 0);
  module.end = read<u32>(body, 4);
  if (module.end < module.start)
    return Error::format("a boot module ends (%#x) before it starts (%#x)", module.end,
                         module.start);
  const std::string_view line = text_in(body.subspan(8));
  if (!copy_text(module.name, line.substr(0, line.find(' '))))
    return Error::format("a boot module's name has more than %lu bytes", sizeof module.name - 1);
  info.modules[info.module_count++] = module;
  return {};
}

// 3.6.8: entry size, entry version, then address, length, type, reserved.
Result<void> read_memory_map(std::span<const u8> body, BootInfo& info) {
  if (body.size() < 8) return too_short("memory map", body.size());
  const usize entry_bytes = read<u32>(body, 0);
  if (entry_bytes < 24 || entry_bytes % 8 != 0)
    return Error::format("boot information: memory map entries of %lu bytes", entry_bytes);
  for (usize at = 8; body.size() - at >= entry_bytes; at += entry_bytes) {
    if (info.memory_count == BootInfo::kMaxMemoryRanges) return {};  // the rest stays unused
    MemoryRange range;
    range.start = read<u64>(body, at);
    range.bytes = read<u64>(body, at + 8);
    const u32 kind = read<u32>(body, at + 16);
    if (range.bytes > ~u64{0} - range.start) range.bytes = ~u64{0} - range.start;
    range.kind =
        kind >= 1 && kind <= 5 ? static_cast<MemoryRange::Kind>(kind) : MemoryRange::Kind::Reserved;
    info.memory[info.memory_count++] = range;
  }
  return {};
}

// 3.6.12: address, pitch, width, height, bits, type; of pixels with colours in them, position and
// bits of red, green and blue follow. Screens with a palette are left alone.
Result<void> read_framebuffer(std::span<const u8> body, BootInfo& info) {
  constexpr u8 kPixels = 1, kText = 2;
  constexpr usize kColours = 24;
  if (body.size() < 22) return too_short("framebuffer", body.size());
  const u8 type = read<u8>(body, 21);
  if (type == kText) info.screen = {read<u64>(body, 0), read<u32>(body, 12), read<u32>(body, 16)};
  if (type != kPixels) return {};
  if (body.size() < kColours + 6) return too_short("framebuffer", body.size());
  const auto channel = [&](usize at) {
    return x86::PixelScreen::Channel{read<u8>(body, at), read<u8>(body, at + 1)};
  };
  info.pixels = {.address = read<u64>(body, 0), .pitch_bytes = read<u32>(body, 8),
                 .width = read<u32>(body, 12), .height = read<u32>(body, 16),
                 .bits = read<u8>(body, 20), .red = channel(kColours),
                 .green = channel(kColours + 2), .blue = channel(kColours + 4)};
  return {};
}

Result<void> read_acpi(std::span<const u8> body, BootInfo& info) {
  // The newer structure is the longer one.
  const usize capacity = sizeof info.acpi_root_pointer;
  const usize count = body.size() < capacity ? body.size() : capacity;
  if (count <= info.acpi_root_pointer_bytes) return {};
  std::memcpy(info.acpi_root_pointer, body.data(), count);
  info.acpi_root_pointer_bytes = count;
  return {};
}

Result<void> read_tag(u32 type, std::span<const u8> body, BootInfo& info) {
  switch (type) {
    case kCommandLine:
      return read_command_line(body, info);
    case kLoaderName:
      return read_loader_name(body, info);
    case kModule:
      return read_module(body, info);
    case kMemoryMap:
      return read_memory_map(body, info);
    case kFramebuffer:
      return read_framebuffer(body, info);
    case kAcpiOld:
    case kAcpiNew:
      return read_acpi(body, info);
    default:
      return {};
  }
}

}  // namespace

usize boot_info_bytes(std::span<const u8, 8> header) {
  return read<u32>(header, 0);
}

Result<void> parse_boot_info(std::span<const u8> bytes, BootInfo& info) {
  if (bytes.size() < kHeaderBytes)
    return Error::format("boot information: only %lu bytes", bytes.size());
  const usize total = boot_info_bytes(bytes.first<8>());
  if (total < kHeaderBytes || total > bytes.size())
    return Error::format("boot information: it says it has %lu bytes", total);
  bytes = bytes.first(total);
  usize at = kHeaderBytes;
  while (bytes.size() - at >= kTagHeaderBytes) {
    const u32 type = read<u32>(bytes, at);
    const usize size = read<u32>(bytes, at + 4);
    if (size < kTagHeaderBytes || size > bytes.size() - at)
      return Error::format("boot information: tag %u at %lu says it has %lu bytes", type, at, size);
    if (type == kEnd) return {};
    auto done = read_tag(type, bytes.subspan(at + kTagHeaderBytes, size - kTagHeaderBytes), info);
    if (!done) return done.error();
    const usize next = at + align_up(size, kTagAlignment);
    if (next > bytes.size()) break;
    at = next;
  }
  return Error::format("boot information: it has no end tag");
}

}  // namespace bf::boot
