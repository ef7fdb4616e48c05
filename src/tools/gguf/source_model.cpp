#include "tools/gguf/source_model.h"

namespace bf::gguf {

namespace {

// "model: ..." is what the program calls the only file that it knows.
Error of_file(const char* path, const inference::Error& error) {
  std::string_view text = view(error.text());
  constexpr std::string_view kPrefix = "model: ";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  return Error::format("%s: %.*s", path, static_cast<int>(text.size()), text.data());
}

}  // namespace

Result<SourceModel> SourceModel::open(const char* path) {
  auto file = InputFile::open(path);
  if (!file) return file.error();
  auto gguf = std::make_unique<inference::Gguf>();
  inference::Error error;
  if (!gguf->parse({file->bytes().data(), file->bytes().size()}, error))
    return of_file(path, error);
  return SourceModel(std::move(*file), std::move(gguf));
}

Result<SourceRows> SourceModel::rows(const inference::GgufTensor& tensor) const {
  const std::string name(view(tensor.name));
  const inference::Format* const format = inference::find_format(tensor.type);
  const inference::Text format_name = inference::format_name(tensor.type);
  if (format == nullptr)
    return Error::format("tensor %s: its format, %.*s, cannot be read", name.c_str(),
                         static_cast<int>(format_name.size), format_name.data);
  SourceRows result = {format, tensor.data, tensor.sizes[0], 1, 0};
  bool fits = result.columns > 0 && result.columns % format->block_elements == 0;
  for (u32 d = 1; d < tensor.dimensions; ++d)
    fits = fits && tensor.sizes[d] > 0 &&
           !__builtin_mul_overflow(result.rows, tensor.sizes[d], &result.rows);
  u64 bytes = 0;
  fits = fits && !__builtin_mul_overflow(result.columns / format->block_elements,
                                         u64{format->block_bytes}, &result.row_bytes);
  fits = fits && !__builtin_mul_overflow(result.rows, result.row_bytes, &bytes);
  if (fits && bytes <= tensor.bytes_to_end) return result;
  return Error::format(
      "tensor %s: its shape and its data do not fit each other: the file is "
      "damaged or cut short",
      name.c_str());
}

u64 SourceModel::number(std::string_view key, u64 fallback) const {
  inference::Text architecture;
  u64 value = fallback;
  if (!gguf_->find_text("general.architecture", architecture)) return value;
  const std::string full = std::string(view(architecture)) + "." + std::string(key);
  gguf_->find_integer(text_of(full), value);
  return value;
}

}  // namespace bf::gguf
