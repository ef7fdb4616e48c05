#include "inference/gguf.h"

namespace inference {

namespace {

constexpr u32 kMagic = 0x46554747;  // "GGUF"
constexpr u64 kHeaderBytes = 24;
constexpr u32 kTypes = 13;
constexpr u64 kDefaultAlignment = 32;
constexpr u64 kMostAlignment = 1 << 20;
constexpr u64 kLongestName = 65535;

// The least that an entry can take: an empty key, its type, a byte; an empty name, no dimensions,
// type, offset. A count that needs more than the file has is refused before anything is allocated.
constexpr u64 kLeastValueBytes = 8 + 4 + 1;
constexpr u64 kLeastTensorBytes = 8 + 4 + 4 + 8;

// Bytes of a scalar of each type; 0 for strings and arrays.
constexpr u8 kScalarBytes[kTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

constexpr u64 scalar_bytes(GgufType type) {
  return kScalarBytes[static_cast<u32>(type)];
}

Text or_empty(Text text) {
  return text.empty() ? Text("(no name)") : text;
}

}  // namespace

// Reads forward through the blob. After a read beyond the end, ok() is false, and reads give zero.
class Gguf::Reader {
 public:
  explicit Reader(Bytes blob) : blob_(blob) {}

  bool ok() const { return ok_; }
  u64 offset() const { return at_; }
  u64 left() const { return blob_.size - at_; }
  const u8* here() const { return blob_.data + at_; }

  template <class T>
  T read() {
    const u8* from = skip(sizeof(T));
    return from == nullptr ? T{} : load_unaligned<T>(from);
  }

  Text read_text() {
    const u64 size = read<u64>();
    const u8* from = skip(size);
    return from == nullptr ? Text() : Text(reinterpret_cast<const char*>(from), size);
  }

  // The bytes that are jumped over, or null if there are not that many.
  const u8* skip(u64 bytes) {
    if (!ok_ || bytes > left()) {
      ok_ = false;
      return nullptr;
    }
    const u8* from = here();
    at_ += bytes;
    return from;
  }

  // False if it is an array of a type that there is not.
  bool skip_value(GgufType type) {
    if (type == GgufType::Array) return skip_array();
    if (type == GgufType::String)
      read_text();
    else
      skip(scalar_bytes(type));
    return true;
  }

 private:
  bool skip_array() {
    const u32 element = read<u32>();
    const u64 count = read<u64>();
    if (element >= kTypes || element == static_cast<u32>(GgufType::Array)) return false;
    const u64 bytes = scalar_bytes(static_cast<GgufType>(element));
    if (bytes == 0) {
      for (u64 i = 0; i < count && ok_; ++i) read_text();
    } else {
      // The division keeps an absurd count from wrapping around.
      skip(count > left() / bytes ? UINT64_MAX : count * bytes);
    }
    return true;
  }

  Bytes blob_;
  u64 at_ = 0;
  bool ok_ = true;
};

namespace {

bool fail(Error& error, Text what) {
  error << "model: " << what;
  return false;
}

bool fail_at(Error& error, Text what, Text name, u64 offset, Text advice) {
  error << "model: " << what << " " << Quoted(or_empty(name)) << " at byte " << offset << ": "
        << advice;
  return false;
}

constexpr Text kBroken = "the file is damaged or cut short; get it again";

bool check_header(u32 magic, u32 version, Error& error) {
  if (magic != kMagic) return fail(error, "not a GGUF file (wrong magic): give a .gguf file");
  if (version == 2 || version == 3) return true;
  if ((version & 0xffff) == 0 && version != 0) {
    return fail(error, "a big-endian GGUF file: convert it to little-endian");
  }
  error << "model: GGUF version " << version << " is not supported: use version 2 or 3";
  return false;
}

}  // namespace

bool Gguf::parse(Bytes blob, Error& error) {
  if (blob.data == nullptr) return fail(error, "there is none: give one with --model FILE.gguf");
  if (blob.empty()) return fail(error, "the file is empty: give a .gguf file");
  Reader reader(blob);
  const u32 magic = reader.read<u32>();
  const u32 version = reader.read<u32>();
  if (blob.size >= 8 && !check_header(magic, version, error)) return false;
  if (blob.size < kHeaderBytes) {
    if (blob.size >= 4 && magic != kMagic) return check_header(magic, version, error);
    error << "model: only " << blob.size << " bytes, less than a GGUF header: " << kBroken;
    return false;
  }
  const u64 tensors = reader.read<u64>();
  const u64 values = reader.read<u64>();
  if (!read_metadata(reader, values, error) || !read_tensors(reader, tensors, error)) return false;
  return place_tensors(blob, reader.offset(), error);
}

bool Gguf::read_metadata(Reader& reader, u64 count, Error& error) {
  if (count > reader.left() / kLeastValueBytes) {
    error << "model: claims " << count
          << " metadata entries, more than fit into the file: " << kBroken;
    return false;
  }
  if (!values_.allocate(count + 1) || !value_index_.allocate(count))
    return fail(error, "not enough memory for its metadata: give the machine more memory");
  for (u64 i = 0; i < count; ++i) {
    const u64 offset = reader.offset();
    const Text key = reader.read_text();
    const u32 type = reader.read<u32>();
    if (!reader.ok() || key.size > kLongestName)
      return fail_at(error, "metadata entry", key, offset, kBroken);
    if (type >= kTypes) return fail_at(error, "unknown value type of", key, offset, kBroken);
    const u8* data = reader.here();
    if (!reader.skip_value(static_cast<GgufType>(type)))
      return fail_at(error, "unknown element type of", key, offset, kBroken);
    if (!reader.ok()) return fail_at(error, "the value of", key, offset, kBroken);
    values_[i] = {key, static_cast<GgufType>(type), data};
    const u32 old = value_index_.insert(value_index_.hash(key), static_cast<u32>(i),
                                        [&](u32 other) { return values_[other].key == key; });
    if (old != NameTable::kNone)
      return fail_at(error, "metadata key twice or too many alike:", key, offset, kBroken);
  }
  return true;
}

bool Gguf::read_tensors(Reader& reader, u64 count, Error& error) {
  if (count > reader.left() / kLeastTensorBytes) {
    error << "model: claims " << count << " tensors, more than fit into the file: " << kBroken;
    return false;
  }
  if (!tensors_.allocate(count + 1) || !tensor_index_.allocate(count))
    return fail(error, "not enough memory for its tensor list: give the machine more memory");
  for (u64 i = 0; i < count; ++i) {
    const u64 offset = reader.offset();
    GgufTensor& tensor = tensors_[i];
    tensor.name = reader.read_text();
    tensor.dimensions = reader.read<u32>();
    if (!reader.ok() || tensor.name.size > kLongestName)
      return fail_at(error, "directory entry of tensor", tensor.name, offset, kBroken);
    if (tensor.dimensions == 0 || tensor.dimensions > GgufTensor::kMostDimensions)
      return fail_at(error, "impossible number of dimensions of tensor", tensor.name, offset,
                     kBroken);
    for (u32 d = 0; d < GgufTensor::kMostDimensions; ++d)
      tensor.sizes[d] = d < tensor.dimensions ? reader.read<u64>() : 1;
    tensor.type = reader.read<u32>();
    // Becomes an address once it is known where the data begins.
    tensor.bytes_to_end = reader.read<u64>();
    if (!reader.ok())
      return fail_at(error, "directory entry of tensor", tensor.name, offset, kBroken);
    const u32 old =
        tensor_index_.insert(tensor_index_.hash(tensor.name), static_cast<u32>(i),
                             [&](u32 other) { return tensors_[other].name == tensor.name; });
    if (old != NameTable::kNone)
      return fail_at(error, "tensor twice or too many alike:", tensor.name, offset, kBroken);
  }
  return true;
}

bool Gguf::place_tensors(Bytes blob, u64 end_of_directory, Error& error) {
  u64 alignment = kDefaultAlignment;
  find_integer("general.alignment", alignment);
  if (alignment == 0 || alignment > kMostAlignment || (alignment & (alignment - 1)) != 0) {
    error << "model: general.alignment is " << alignment << ", not a power of two: " << kBroken;
    return false;
  }
  const u64 data_offset = round_up(end_of_directory, alignment);
  const u64 data_bytes = data_offset > blob.size ? 0 : blob.size - data_offset;
  for (u64 i = 0; i + 1 < tensors_.size(); ++i) {
    GgufTensor& tensor = tensors_[i];
    const u64 offset = tensor.bytes_to_end;
    if (offset % alignment != 0)
      return fail_at(error, "misaligned data of tensor", tensor.name, offset, kBroken);
    if (offset > data_bytes)
      return fail_at(error, "data beyond the end of the file of tensor", tensor.name, offset,
                     kBroken);
    tensor.data = blob.data + min(data_offset, blob.size) + offset;
    tensor.bytes_to_end = data_bytes - offset;
  }
  return true;
}

const Gguf::Value* Gguf::find(Text key) const {
  const u32 index = value_index_.find(value_index_.hash(key),
                                      [&](u32 other) { return values_[other].key == key; });
  return index == NameTable::kNone ? nullptr : &values_[index];
}

bool Gguf::find_integer(Text key, u64& value) const {
  const Value* found = find(key);
  if (found == nullptr) return false;
  i64 number;
  switch (found->type) {
    case GgufType::U8:
      number = load_unaligned<u8>(found->data);
      break;
    case GgufType::I8:
      number = load_unaligned<i8>(found->data);
      break;
    case GgufType::U16:
      number = load_unaligned<u16>(found->data);
      break;
    case GgufType::I16:
      number = load_unaligned<i16>(found->data);
      break;
    case GgufType::U32:
      number = load_unaligned<u32>(found->data);
      break;
    case GgufType::I32:
      number = load_unaligned<i32>(found->data);
      break;
    case GgufType::U64:
    case GgufType::I64:
      number = load_unaligned<i64>(found->data);
      break;
    default:
      return false;
  }
  if (number < 0) return false;
  value = static_cast<u64>(number);
  return true;
}

bool Gguf::find_float(Text key, float& value) const {
  const Value* found = find(key);
  if (found == nullptr) return false;
  if (found->type == GgufType::F32)
    value = load_unaligned<float>(found->data);
  else if (found->type == GgufType::F64)
    value = static_cast<float>(load_unaligned<double>(found->data));
  else
    return false;
  return true;
}

bool Gguf::find_bool(Text key, bool& value) const {
  const Value* found = find(key);
  if (found == nullptr || found->type != GgufType::Bool) return false;
  value = *found->data != 0;
  return true;
}

bool Gguf::find_text(Text key, Text& value) const {
  const Value* found = find(key);
  if (found == nullptr || found->type != GgufType::String) return false;
  value = {reinterpret_cast<const char*>(found->data + sizeof(u64)),
           load_unaligned<u64>(found->data)};
  return true;
}

bool Gguf::find_array(Text key, GgufArray& value) const {
  const Value* found = find(key);
  if (found == nullptr || found->type != GgufType::Array) return false;
  const u8* at = found->data;
  value = {static_cast<GgufType>(load_unaligned<u32>(at)), load_unaligned<u64>(at + 4), at + 12};
  return true;
}

const GgufTensor* Gguf::find_tensor(Text name) const {
  const u32 index = tensor_index_.find(tensor_index_.hash(name),
                                       [&](u32 other) { return tensors_[other].name == name; });
  return index == NameTable::kNone ? nullptr : &tensors_[index];
}

}  // namespace inference
