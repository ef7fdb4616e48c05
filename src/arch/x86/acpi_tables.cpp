#include "arch/x86/acpi_tables.h"

namespace bf::x86::acpi {

namespace {

// Section numbers: ACPI specification 6.5.
constexpr usize kMaxTableBytes = usize{4} << 20;  // the largest DSDTs have some hundred KiB

bool sums_to_zero(std::span<const u8> bytes) {
  u8 sum = 0;
  for (const u8 b : bytes) sum = static_cast<u8>(sum + b);
  return sum == 0;
}

bool starts_with(std::span<const u8> bytes, const char* signature, usize count) {
  return bytes.size() >= count && std::memcmp(bytes.data(), signature, count) == 0;
}

struct Root {
  u64 extended;  // the table of addresses of 64 bits; 0: there is none
  u64 first;     // that of 32 bits
};

// 5.2.5.3: version 1 has 20 bytes, later ones 36.
Result<Root> read_root_pointer(std::span<const u8> rsdp) {
  constexpr usize kBytes1 = 20, kBytes2 = 36;
  if (rsdp.size() < kBytes1 || !starts_with(rsdp, "RSD PTR ", 8) ||
      !sums_to_zero(rsdp.first(kBytes1)))
    return Error::format("the ACPI root pointer is damaged");
  const u64 extended = field<u64>(rsdp, 24);
  const bool has_extended =
      rsdp[15] >= 2 && rsdp.size() >= kBytes2 && extended != 0 && sums_to_zero(rsdp.first(kBytes2));
  return Root{has_extended ? extended : 0, field<u32>(rsdp, 16)};
}

}  // namespace

Result<std::span<const u8>> table_at(const Memory& memory, u64 address) {
  if (address == 0) return Error::format("there is no such ACPI table");
  const auto header = memory.view(memory.context, address, kHeaderBytes);
  if (header.size() < kHeaderBytes) return Error::format("no ACPI table at %#lx", address);
  const u32 bytes = field<u32>(header, 4);
  if (bytes < kHeaderBytes || bytes > kMaxTableBytes)
    return Error::format("the ACPI table at %#lx says it has %u bytes", address, bytes);
  const auto table = memory.view(memory.context, address, bytes);
  if (table.size() < bytes) return Error::format("the ACPI table at %#lx is cut", address);
  if (!sums_to_zero(table))
    return Error::format("the ACPI table at %#lx has a wrong checksum", address);
  return table;
}

namespace {

// The list of tables has addresses of 32 or 64 bits.
template <class Address>
Result<std::span<const u8>> find_in(const Memory& memory, std::span<const u8> list,
                                    const char* signature) {
  for (usize at = kHeaderBytes; list.size() - at >= sizeof(Address); at += sizeof(Address)) {
    const u64 address = field<Address>(list, at);
    const auto header = memory.view(memory.context, address, kHeaderBytes);
    if (header.size() >= kHeaderBytes && starts_with(header, signature, 4))
      return table_at(memory, address);
  }
  return Error::format("there is no ACPI table %s", signature);
}

}  // namespace

Result<std::span<const u8>> find_table(const Memory& memory, std::span<const u8> root_pointer,
                                       const char* signature) {
  auto root = read_root_pointer(root_pointer);
  if (!root) return root.error();
  // Some firmware has only the older one right.
  if (auto list = table_at(memory, root->extended)) return find_in<u64>(memory, *list, signature);
  auto list = table_at(memory, root->first);
  if (!list) return list.error();
  return find_in<u32>(memory, *list, signature);
}

}  // namespace bf::x86::acpi
