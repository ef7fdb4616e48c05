#include "runtime/fs/file_system.h"

#include <algorithm>

#include "runtime/fs/unicode.h"

namespace bf::fs {

File::File(BlockDevice& device, u64 bytes, std::vector<Extent> extents)
    : device_(&device), bytes_(bytes), extents_(std::move(extents)) {
  u64 start = 0;
  for (const Extent& extent : extents_) {
    starts_.push_back(start);
    start += extent.bytes;
  }
  BF_ASSERT(start >= bytes_);
}

// Calls move(offset on the device, offset in the caller's memory, bytes) for each piece.
template <class Move>
Result<void> File::for_pieces(u64 offset, u64 bytes, Move&& move) const {
  if (offset > bytes_ || bytes > bytes_ - offset)
    return Error::format("%s: a transfer beyond the end of a file", device_->name());
  if (bytes == 0) return {};
  auto next = std::upper_bound(starts_.begin(), starts_.end(), offset);
  u64 done = 0;
  for (usize i = static_cast<usize>(next - starts_.begin()) - 1; done < bytes; ++i) {
    const u64 inside = offset + done - starts_[i];
    const u64 piece = std::min<u64>(bytes - done, extents_[i].bytes - inside);
    if (auto ok = move(extents_[i].offset + inside, done, piece); !ok) return ok;
    done += piece;
  }
  return {};
}

Result<void> File::read(u64 offset, std::span<u8> to) const {
  return for_pieces(offset, to.size(), [&](u64 place, u64 at, u64 bytes) {
    return device_->read(place, to.subspan(at, bytes));
  });
}

Result<void> File::overwrite(u64 offset, std::span<const u8> from) const {
  auto done = for_pieces(offset, from.size(), [&](u64 place, u64 at, u64 bytes) {
    return device_->write(place, from.subspan(at, bytes));
  });
  if (!done) return done;
  return device_->flush();
}

std::string_view take_name(std::string_view& path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const usize end = std::min(path.find('/'), path.size());
  const std::string_view name = path.substr(0, end);
  path.remove_prefix(end);
  while (path.starts_with('/')) path.remove_prefix(1);
  return name;
}

Result<Entry> FileSystem::find(std::string_view path) {
  Entry at = root();
  while (!path.empty()) {
    const std::string_view name = take_name(path);
    if (name.empty()) break;
    if (!at.directory)
      return Error::format("'%.*s' is no directory", static_cast<int>(at.name.view().size()),
                           at.name.view().data());
    auto entries = list(at);
    if (!entries) return entries.error();
    auto found = std::find_if(entries->begin(), entries->end(),
                              [&](const Entry& e) { return same_name(e.name.view(), name); });
    if (found == entries->end())
      return Error::format("there is no '%.*s'", static_cast<int>(name.size()), name.data());
    at = std::move(*found);
  }
  return at;
}

}  // namespace bf::fs
