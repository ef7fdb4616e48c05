#include "arch/x86/blobs.h"

#include <cstring>

#include "arch/x86/memory.h"
#include "runtime/platform.h"

namespace bf {

namespace {

constexpr usize kMaxBlobs = 16;
x86::Blob blobs[kMaxBlobs];
usize blob_count = 0;

x86::Blob* find_blob(std::string_view name) {
  for (usize i = 0; i < blob_count; ++i)
    if (name == blobs[i].name) return &blobs[i];
  return nullptr;
}

}  // namespace

bool x86::add_blob(std::string_view name, std::span<const u8> bytes) {
  Blob* blob = find_blob(name);
  if (blob == nullptr) {
    if (blob_count == kMaxBlobs || name.size() >= sizeof blob->name) return false;
    blob = &blobs[blob_count++];
    std::memcpy(blob->name, name.data(), name.size());
    blob->name[name.size()] = 0;
  }
  blob->bytes = bytes;
  return true;
}

bool x86::rename_blob(std::string_view name, std::string_view new_name) {
  Blob* const blob = find_blob(name);
  if (blob == nullptr || new_name.size() >= sizeof blob->name) return false;
  std::memcpy(blob->name, new_name.data(), new_name.size());
  blob->name[new_name.size()] = 0;
  return true;
}

std::span<const x86::Blob> x86::all_blobs() {
  return {blobs, blob_count};
}

std::span<const u8> platform::blob(std::string_view name) {
  const x86::Blob* blob = find_blob(name);
  return blob == nullptr ? std::span<const u8>{} : blob->bytes;
}

u8* platform::take_blob(std::string_view name, usize& bytes) {
  x86::Blob* blob = find_blob(name);
  bytes = 0;
  if (blob == nullptr) return nullptr;
  bytes = blob->bytes.size();
  auto* memory = const_cast<u8*>(blob->bytes.data());
  if (!x86::make_writable(reinterpret_cast<u64>(memory), bytes)) return nullptr;
  *blob = blobs[--blob_count];
  return memory;
}

void platform::drop_blob(std::string_view name) {
  usize bytes;
  u8* const memory = take_blob(name, bytes);
  if (memory != nullptr) x86::release_module(reinterpret_cast<u64>(memory), bytes);
}

}  // namespace bf
