#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"

namespace bf {

namespace {

using Bytes = std::span<const u8>;

// Blobs live as long as the process: neither this nor what it points to is ever freed.
std::map<std::string, Bytes, std::less<>>& blobs() {
  static auto& all = *new std::map<std::string, Bytes, std::less<>>;
  return all;
}

// An empty blob is there, so its data must not be null.
constexpr u8 kNothing[1] = {};

Error cannot_read(const std::string& name, const std::string& file, int reason) {
  const char* subject = name == "model" ? "model: " : "";
  return Error::format("error: %scannot read %s: %s", subject, file.c_str(), strerror(reason));
}

Result<Bytes> map_file(const std::string& name, const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return cannot_read(name, path, errno);
  struct stat facts;
  const bool known = fstat(file, &facts) == 0;
  if (!known || S_ISDIR(facts.st_mode)) {
    close(file);
    return cannot_read(name, path, known ? EISDIR : errno);
  }
  const auto bytes = static_cast<usize>(facts.st_size);
  void* memory = bytes == 0 ? nullptr : mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  const int reason = errno;
  close(file);
  if (memory == MAP_FAILED) return cannot_read(name, path, reason);
  return bytes == 0 ? Bytes(kNothing, 0) : Bytes(static_cast<const u8*>(memory), bytes);
}

}  // namespace

Result<void> host::map_blob(const std::string& name, const std::string& file) {
  auto bytes = map_file(name, file);
  if (!bytes) return bytes.error();
  blobs()[name] = *bytes;
  return {};
}

void host::add_blob(const std::string& name, const std::string& text) {
  u8* copy = new u8[text.size() + 1];
  memcpy(copy, text.data(), text.size());
  blobs()[name] = Bytes(copy, text.size());
}

std::span<const u8> platform::blob(std::string_view name) {
  const auto found = blobs().find(name);
  return found == blobs().end() ? Bytes() : found->second;
}

}  // namespace bf
