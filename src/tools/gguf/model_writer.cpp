#include "tools/gguf/model_writer.h"

namespace bf::gguf {

namespace {

constexpr u32 kMagic = 0x46554747;  // "GGUF"
constexpr u32 kVersion = 3;
constexpr u64 kAlignment = 32;  // of a file that says nothing else

template <class T>
void put(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& to, std::string_view text) {
  put<u64>(to, text.size());
  to += text;
}

template <class T>
std::string array(ModelWriter::Type type, const std::vector<T>& values) {
  std::string bytes;
  put(bytes, static_cast<u32>(type));
  put<u64>(bytes, values.size());
  for (const T& value : values) {
    if constexpr (std::is_same_v<T, std::string>)
      put_text(bytes, value);
    else
      put(bytes, value);
  }
  return bytes;
}

// Bytes of a scalar, 0 for texts and arrays.
u64 scalar_bytes(ModelWriter::Type type) {
  constexpr u8 kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kBytes[static_cast<u32>(type)];
}

u64 texts_bytes(const u8* at, u64 count) {
  u64 bytes = 0;
  for (u64 i = 0; i < count; ++i) bytes += sizeof(u64) + inference::load_unaligned<u64>(at + bytes);
  return bytes;
}

u64 value_bytes(ModelWriter::Type type, const u8* at) {
  if (type == ModelWriter::Type::String) return texts_bytes(at, 1);
  if (type != ModelWriter::Type::Array) return scalar_bytes(type);
  const auto element = static_cast<ModelWriter::Type>(inference::load_unaligned<u32>(at));
  const u64 count = inference::load_unaligned<u64>(at + 4);
  constexpr u64 kHead = 12;
  if (element == ModelWriter::Type::String) return kHead + texts_bytes(at + kHead, count);
  return kHead + count * scalar_bytes(element);
}

}  // namespace

std::string_view raw_value(const inference::Gguf::Value& value) {
  return {reinterpret_cast<const char*>(value.data), value_bytes(value.type, value.data)};
}

void ModelWriter::entry(std::string_view key, Type type, std::string_view value) {
  put_text(entries_, key);
  put(entries_, static_cast<u32>(type));
  entries_ += value;
  ++entry_count_;
}

void ModelWriter::entries_of(const ModelWriter& other) {
  entries_ += other.entries_;
  entry_count_ += other.entry_count_;
}

void ModelWriter::text(std::string_view key, std::string_view value) {
  std::string bytes;
  put_text(bytes, value);
  entry(key, Type::String, bytes);
}

void ModelWriter::number(std::string_view key, u32 value) {
  entry(key, Type::U32, {reinterpret_cast<const char*>(&value), sizeof value});
}

void ModelWriter::real(std::string_view key, float value) {
  entry(key, Type::F32, {reinterpret_cast<const char*>(&value), sizeof value});
}

void ModelWriter::texts(std::string_view key, const std::vector<std::string>& values) {
  entry(key, Type::Array, array(Type::String, values));
}

void ModelWriter::reals(std::string_view key, const std::vector<float>& values) {
  entry(key, Type::Array, array(Type::F32, values));
}

void ModelWriter::integers(std::string_view key, const std::vector<i32>& values) {
  entry(key, Type::Array, array(Type::I32, values));
}

u64 ModelWriter::Tensor::elements() const {
  u64 product = 1;
  for (const u64 size : sizes) product *= size;
  return product;
}

usize ModelWriter::tensor(std::string_view name, std::vector<u64> sizes, const Quantizer& format) {
  tensors_.push_back({std::string(name), std::move(sizes), &format, data_bytes_});
  data_bytes_ += align_up(tensors_.back().bytes(), kAlignment);
  return tensors_.size() - 1;
}

std::string ModelWriter::head() const {
  std::string bytes;
  put(bytes, kMagic);
  put(bytes, kVersion);
  put<u64>(bytes, tensors_.size());
  put(bytes, entry_count_);
  bytes += entries_;
  for (const Tensor& tensor : tensors_) {
    put_text(bytes, tensor.name);
    put(bytes, static_cast<u32>(tensor.sizes.size()));
    for (const u64 size : tensor.sizes) put(bytes, size);
    put(bytes, tensor.format->gguf_id);
    put(bytes, tensor.offset);
  }
  bytes.resize(align_up<u64>(bytes.size(), kAlignment), '\0');
  return bytes;
}

Result<OutputFile> ModelWriter::create(const char* path) {
  const std::string bytes = head();
  data_offset_ = bytes.size();
  auto file = OutputFile::create(path, data_offset_ + data_bytes_);
  if (!file) return file.error();
  if (auto written = file->write(0, bytes.data(), bytes.size()); !written) return written.error();
  return file;
}

}  // namespace bf::gguf
