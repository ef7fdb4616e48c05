#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <new>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"

namespace bf {

namespace {

using Bytes = std::span<const u8>;

// A file is kept open, for who wants it as memory of their own; -1 for a text.
struct Blob {
  Bytes bytes;
  int file = -1;
  std::string path;
};

// Blobs live as long as the process: neither this nor what it points to is ever freed, but for the
// mappings of files that are taken or replaced.
std::map<std::string, Blob, std::less<>>& blobs() {
  static auto& all = *new std::map<std::string, Blob, std::less<>>;
  return all;
}

// An empty blob is there, so its data must not be null.
alignas(64) u8 nothing[1] = {};

void unmap(const Blob& blob) {
  if (blob.file < 0) return;
  close(blob.file);
  if (!blob.bytes.empty()) munmap(const_cast<u8*>(blob.bytes.data()), blob.bytes.size());
}

Result<Blob> map_file(const std::string& name, const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return host::cannot_read(name, path, errno);
  struct stat facts;
  const bool known = fstat(file, &facts) == 0;
  if (!known || S_ISDIR(facts.st_mode)) {
    close(file);
    return host::cannot_read(name, path, known ? EISDIR : errno);
  }
  const auto bytes = static_cast<usize>(facts.st_size);
  if (bytes == 0) return Blob{Bytes(nothing, 0), file, path};
  void* memory = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  if (memory != MAP_FAILED) return Blob{Bytes(static_cast<const u8*>(memory), bytes), file, path};
  const int reason = errno;
  close(file);
  return host::cannot_read(name, path, reason);
}

void replace(const std::string& name, const Blob& blob) {
  Blob& place = blobs()[name];
  unmap(place);
  place = blob;
}

}  // namespace

Error host::cannot_read(const std::string& name, const std::string& file, int reason) {
  const char* subject = name == "model" ? "model: " : "";
  return Error::format("error: %scannot read %s: %s", subject, file.c_str(), strerror(reason));
}

Result<void> host::map_blob(const std::string& name, const std::string& file) {
  auto blob = map_file(name, file);
  if (!blob) return blob.error();
  replace(name, *blob);
  return {};
}

void host::add_blob(const std::string& name, const std::string& text) {
  constexpr std::align_val_t kAlignment{64};
  auto* copy = static_cast<u8*>(operator new(text.size() + 1, kAlignment));
  memcpy(copy, text.data(), text.size());
  replace(name, {Bytes(copy, text.size()), -1, {}});
}

std::string host::blob_path(std::string_view name) {
  const auto found = blobs().find(name);
  return found == blobs().end() ? std::string() : found->second.path;
}

std::span<const u8> platform::blob(std::string_view name) {
  const auto found = blobs().find(name);
  return found == blobs().end() ? Bytes() : found->second.bytes;
}

u8* platform::take_blob(std::string_view name, usize& bytes) {
  const auto found = blobs().find(name);
  bytes = 0;
  if (found == blobs().end()) return nullptr;
  const Blob& blob = found->second;
  bytes = blob.bytes.size();
  u8* memory = const_cast<u8*>(blob.bytes.data());
  if (blob.file >= 0 && bytes > 0)
    memory = host::read_file(blob.file, bytes, found->first, blob.path);
  if (memory == nullptr) return nullptr;
  unmap(blob);
  blobs().erase(found);
  return memory;
}

void platform::drop_blob(std::string_view name) {
  const auto found = blobs().find(name);
  if (found == blobs().end()) return;
  unmap(found->second);
  blobs().erase(found);
}

}  // namespace bf
