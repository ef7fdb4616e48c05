#include "runtime/fs/iso_volume.h"

#include <algorithm>
#include <cstring>

#include "runtime/fs/unicode.h"

namespace bf::fs {

namespace {

constexpr u32 kSectorBytes = 2048;
constexpr u32 kFirstDescriptor = 16, kMaxDescriptors = 64;
constexpr u64 kMaxDirectoryBytes = 4 << 20;
constexpr u32 kMaxContinuations = 16;

// Of a directory record.
constexpr u32 kRecordBytes = 33;  // before its name
constexpr u8 kIsDirectory = 0x02, kIsAssociated = 0x04, kIsContinued = 0x80;

u64 place_of(u32 block, u32 bytes) {
  return block | u64{bytes} << 32;
}

void append_printable(Text& name, std::span<const u8> bytes) {
  for (const u8 byte : bytes) {
    const char c = is_control(byte) ? '_' : static_cast<char>(byte);
    name.append({&c, 1});
  }
}

bool is(const u8* at, const char* signature) {
  return std::memcmp(at, signature, 2) == 0;
}

}  // namespace

// A directory record, as far as it is of interest.
struct IsoVolume::Record {
  u32 bytes = 0;  // of the record itself
  u8 flags = 0;
  bool left_out = false;  // itself, its parent, a link, what stands elsewhere
  bool interleaved = false;
  u32 block = 0;
  u32 length = 0;
  Text name;
};

Result<std::unique_ptr<IsoVolume>> IsoVolume::open(BlockDevice& device) {
  auto volume = std::make_unique<IsoVolume>(device);
  bool found = false;
  for (u32 i = 0; i < kMaxDescriptors && volume->names_ != Names::RockRidge; ++i) {
    u8 descriptor[kSectorBytes];
    const u64 offset = u64{kFirstDescriptor + i} * kSectorBytes;
    if (offset + kSectorBytes > device.bytes()) break;
    if (auto ok = device.read(offset, descriptor); !ok) return ok.error();
    if (std::memcmp(descriptor + 1, "CD001", 5) != 0 || descriptor[0] == 255) break;
    found = volume->use_descriptor(descriptor) || found;
  }
  if (!found) return Error::format("%s: no ISO 9660 disc", device.name());
  return volume;
}

// Takes the volume's facts from a descriptor that says more than the ones before.
bool IsoVolume::use_descriptor(const u8* d) {
  const u32 block_bytes = get16(d + 128);
  const u8* root = d + 156;
  const bool joliet =
      d[0] == 2 && d[88] == '%' && d[89] == '/' && (d[90] == '@' || d[90] == 'C' || d[90] == 'E');
  if ((d[0] != 1 && !joliet) || root[0] < 34) return false;
  if (block_bytes < 512 || block_bytes > kSectorBytes || (block_bytes & (block_bytes - 1)) != 0)
    return false;
  block_bytes_ = block_bytes;
  root_ = place_of(get32(root + 2) + root[1], get32(root + 10));
  if (joliet) {
    names_ = Names::Joliet;
    return true;
  }
  usize length = 32;
  while (length > 0 && (d[40 + length - 1] == ' ' || d[40 + length - 1] == 0)) --length;
  for (usize i = 0; i < length; ++i) {
    const char c = d[40 + i] < 0x20 || d[40 + i] >= 0x7f ? '_' : static_cast<char>(d[40 + i]);
    label_.append({&c, 1});
  }
  if (has_rock_ridge(root_)) names_ = Names::RockRidge;
  return true;
}

// Rock Ridge announces itself in the first record of the root directory.
bool IsoVolume::has_rock_ridge(u64 root) {
  u8 sector[kSectorBytes];
  if (!device_.read((root & 0xffffffff) * block_bytes_, sector)) return false;
  const u32 length = sector[0];
  if (length < 34 + 7 || !is(sector + 34, "SP") || sector[34 + 4] != 0xbe || sector[34 + 5] != 0xef)
    return false;
  skip_ = sector[34 + 6];
  return true;
}

const char* IsoVolume::kind() const {
  static constexpr const char* kKinds[] = {"ISO 9660", "ISO 9660, Joliet", "ISO 9660, Rock Ridge"};
  return kKinds[static_cast<u32>(names_)];
}

Entry IsoVolume::root() const {
  Entry entry;
  entry.directory = true;
  entry.place = root_;
  return entry;
}

void IsoVolume::name_record(std::span<const u8> identifier, Record& record) const {
  std::vector<u16> units;
  if (names_ == Names::Joliet) {
    for (usize i = 0; i + 1 < identifier.size(); i += 2)
      units.push_back(static_cast<u16>(identifier[i] << 8 | identifier[i + 1]));
  } else {
    for (u8 c : identifier) units.push_back(c < 0x80 ? c : '_');
  }
  std::replace_if(units.begin(), units.end(), is_control, u16{'_'});
  // The version at the end, and the dot of a name without an extension.
  const auto version = std::find(units.begin(), units.end(), ';');
  units.erase(version, units.end());
  if (names_ == Names::Plain && !units.empty() && units.back() == '.') units.pop_back();
  append_utf16(record.name, units);
}

// What Rock Ridge has to say: the name, in pieces, perhaps continued in other blocks. False if it
// is something else than it looks like.
bool IsoVolume::read_system_use(std::span<const u8> area, Record& record) {
  std::vector<u8> next;
  for (u32 hops = 0; hops < kMaxContinuations; ++hops) {
    u32 block = 0, offset = 0, length = 0;
    while (area.size() >= 4 && area[2] >= 4 && area[2] <= area.size()) {
      const auto field = area.first(area[2]);
      area = area.subspan(area[2]);
      if (is(field.data(), "NM") && field.size() > 5 && (field[4] & 6) == 0)
        append_printable(record.name, field.subspan(5));
      if (is(field.data(), "RE") || is(field.data(), "SL")) return false;
      if (is(field.data(), "CL") && field.size() >= 12 &&
          !follow_child(get32(field.data() + 4), record))
        return false;
      if (is(field.data(), "CE") && field.size() >= 28) {
        block = get32(field.data() + 4);
        offset = get32(field.data() + 12);
        length = get32(field.data() + 20);
      }
      if (is(field.data(), "ST")) break;
    }
    if (length == 0 || length > kSectorBytes) return true;
    std::vector<u8> continuation(length);
    if (!device_.read(u64{block} * block_bytes_ + offset, continuation)) return true;
    next = std::move(continuation);
    area = next;
  }
  return true;
}

// A directory that is nested too deep for ECMA-119 stands elsewhere; what is in its place says
// where.
bool IsoVolume::follow_child(u32 block, Record& record) {
  u8 self[34];
  if (!device_.read(u64{block} * block_bytes_, self) || self[0] < 34) return false;
  record.block = block;
  record.length = get32(self + 10);
  record.flags = kIsDirectory;
  return true;
}

// The record that `bytes` begins with; false if there is none that holds together.
bool IsoVolume::read_record(std::span<const u8> bytes, Record& record) {
  if (bytes.size() <= kRecordBytes || bytes[0] <= kRecordBytes || bytes[0] > bytes.size())
    return false;
  bytes = bytes.first(bytes[0]);
  const u32 name_bytes = bytes[32];
  if (kRecordBytes + name_bytes > bytes.size()) return false;
  record = Record{};
  record.bytes = bytes[0];
  record.flags = bytes[25];
  record.interleaved = bytes[26] != 0;
  record.block = get32(&bytes[2]) + bytes[1];
  record.length = get32(&bytes[10]);
  const auto identifier = bytes.subspan(kRecordBytes, name_bytes);
  record.left_out = name_bytes == 0 || (name_bytes == 1 && identifier[0] <= 1) ||
                    (record.flags & kIsAssociated) != 0;
  if (record.left_out) return true;
  if (names_ == Names::RockRidge) {
    const usize start = kRecordBytes + name_bytes + (name_bytes % 2 == 0) + skip_;
    if (start < bytes.size() && !read_system_use(bytes.subspan(start), record))
      record.left_out = true;
  }
  if (record.name.view().empty()) name_record(identifier, record);
  return true;
}

Result<std::vector<Entry>> IsoVolume::list(const Entry& directory) {
  const u64 start = (directory.place & 0xffffffff) * block_bytes_, bytes = directory.place >> 32;
  if (bytes > kMaxDirectoryBytes || bytes > device_.bytes())
    return Error::format("%s: a directory is larger than it can be", device_.name());
  std::vector<u8> content(bytes);
  if (auto ok = device_.read(start, content); !ok) return ok.error();
  std::vector<Entry> entries;
  bool continued = false;
  for (usize at = 0; at < content.size();) {
    // No record crosses the end of a sector; what is left of one is zeros.
    const usize sector_end = std::min(align_up<usize>(at + 1, kSectorBytes), content.size());
    Record record;
    if (!read_record(std::span(content).subspan(at, sector_end - at), record)) {
      at = sector_end;
      continue;
    }
    at += record.bytes;
    if (record.left_out) continue;
    if (!continued) entries.push_back({std::move(record.name), 0, false, 0, {}});
    Entry& entry = entries.back();
    entry.directory = (record.flags & kIsDirectory) != 0;
    entry.place = place_of(record.block, record.length);
    if (!entry.directory) {
      entry.bytes += record.length;
      if (record.length != 0 && !record.interleaved)
        entry.extents.push_back({u64{record.block} * block_bytes_, record.length});
    }
    continued = (record.flags & kIsContinued) != 0 && !entry.directory;
  }
  return entries;
}

Result<File> IsoVolume::open(const Entry& file) {
  if (file.directory) return Error::format("%s: a directory is no file", device_.name());
  u64 bytes = 0;
  for (const Extent& extent : file.extents) {
    if (extent.offset > device_.bytes() || extent.bytes > device_.bytes() - extent.offset)
      return Error::format("%s: a file reaches beyond the end of the disc", device_.name());
    bytes += extent.bytes;
  }
  if (bytes != file.bytes)
    return Error::format("%s: interleaved files are not read", device_.name());
  return File(device_, bytes, file.extents);
}

}  // namespace bf::fs
