// `bf-gguf convert`: from any format to any other.
#include <cstdio>
#include <cstring>

#include "tools/gguf/checkpoint.h"
#include "tools/gguf/commands.h"
#include "tools/gguf/file_types.h"
#include "tools/gguf/source_model.h"
#include "tools/gguf/tensor_data.h"

namespace bf::gguf {

namespace {

constexpr u32 kQuantizationVersion = 2;  // of ggml's block layouts

// What is true of the source only.
bool is_replaced(std::string_view key) {
  return key == "general.file_type" || key == "general.quantization_version" ||
         key == "general.alignment";
}

void copy_metadata(const SourceModel& source, const FileType& type, ModelWriter& model) {
  for (u64 i = 0; i < source.gguf().value_count(); ++i) {
    const auto& value = source.gguf().value(i);
    if (!is_replaced(view(value.key))) model.entry(view(value.key), value.type, raw_value(value));
  }
  model.number("general.file_type", type.number);
  model.number("general.quantization_version", kQuantizationVersion);
}

ModelTraits traits_of(const SourceModel& source) {
  const u64 heads = source.number("attention.head_count", 1);
  const u64 kv_heads = source.number("attention.head_count_kv", heads);
  return {.layers = source.number("block_count", 0),
          .heads_per_kv_head = kv_heads == 0 ? 1 : heads / kv_heads,
          .tied = source.gguf().find_tensor("output.weight") == nullptr};
}

Result<void> check_is_whole(const SourceModel& source, const char* path) {
  u64 parts = 1;
  source.gguf().find_integer("split.count", parts);
  if (parts <= 1) return {};
  return Error::format("%s is one of %llu parts of a model: put them together first", path,
                       static_cast<unsigned long long>(parts));
}

// The tensors of the source, in its order.
Result<std::vector<SourceRows>> add_tensors(const SourceModel& source, const FormatChooser& chooser,
                                            ModelWriter& model) {
  std::vector<SourceRows> all;
  for (u64 i = 0; i < source.gguf().tensor_count(); ++i) {
    const auto& tensor = source.gguf().tensor(i);
    auto rows = source.rows(tensor);
    if (!rows) return rows.error();
    const Quantizer& wanted = chooser.choose(view(tensor.name), tensor.dimensions, rows->columns);
    model.tensor(view(tensor.name), {tensor.sizes, tensor.sizes + tensor.dimensions},
                 fallback_with_note(wanted, view(tensor.name), rows->columns));
    all.push_back(*rows);
  }
  return all;
}

Result<void> convert_model(const Arguments& arguments, const FileType& type, u32 threads) {
  auto source = SourceModel::open(arguments.file(0));
  if (!source) return source.error();
  if (auto whole = check_is_whole(*source, arguments.file(0)); !whole) return whole;
  ModelWriter model;
  copy_metadata(*source, type, model);
  const FormatChooser chooser(type, arguments.has("--pure"), traits_of(*source));
  auto sources = add_tensors(*source, chooser, model);
  if (!sources) return sources.error();
  auto file = model.create(arguments.file(1));
  if (!file) return file.error();

  const auto raw = [&](usize i) {
    const SourceRows& rows = (*sources)[i];
    return rows.format->gguf_id == model.tensors()[i].format->gguf_id ? rows.data : nullptr;
  };
  const auto floats = [&](usize i, u64 row, u64 count, float* out) {
    const SourceRows& rows = (*sources)[i];
    for (u64 r = row; r < row + count; ++r, out += rows.columns)
      rows.format->dequantize(out, rows.data + r * rows.row_bytes, rows.columns);
    return Result<void>();
  };
  auto written = write_tensors(model, *file, threads, "converting", floats, raw);
  return written ? file->finish() : written.error();
}

Result<void> convert_checkpoint(const Arguments& arguments, const FileType& type, u32 threads) {
  if (!arguments.has("--vocabulary"))
    return Error::format("--vocabulary tok*.bin is needed: the checkpoint has none in it");
  auto bytes = InputFile::open(arguments.file(0));
  if (!bytes) return bytes.error();
  auto checkpoint = Checkpoint::parse(arguments.file(0), bytes->bytes());
  if (!checkpoint) return checkpoint.error();
  auto pieces = InputFile::open(arguments.get("--vocabulary"));
  if (!pieces) return pieces.error();
  auto vocabulary = CheckpointVocabulary::parse(arguments.get("--vocabulary"), pieces->bytes(),
                                                checkpoint->shape().vocabulary);
  if (!vocabulary) return vocabulary.error();

  ModelWriter model;
  vocabulary->describe(model);
  checkpoint->describe(model);
  const auto& shape = checkpoint->shape();
  const FormatChooser chooser(
      type, arguments.has("--pure"),
      {.layers = shape.layers, .heads_per_kv_head = shape.heads / shape.kv_heads, .tied = false});
  for (const auto& tensor : checkpoint->tensors())
    model.tensor(
        tensor.name, tensor.sizes,
        fallback_with_note(
            chooser.choose(tensor.name, static_cast<u32>(tensor.sizes.size()), tensor.sizes[0]),
            tensor.name, tensor.sizes[0]));
  auto file = model.create(arguments.file(1));
  if (!file) return file.error();
  auto written = write_tensors(model, *file, threads, "converting",
                               [&](usize i, u64 row, u64 count, float* out) {
                                 const auto& tensor = checkpoint->tensors()[i];
                                 const u64 row_bytes = tensor.sizes[0] * sizeof(float);
                                 std::memcpy(out, tensor.data + row * row_bytes, count * row_bytes);
                                 return Result<void>();
                               });
  return written ? file->finish() : written.error();
}

}  // namespace

Result<void> run_convert(const Arguments& arguments) {
  const bool checkpoint = std::string_view(arguments.file(0)).ends_with(".bin");
  if (!checkpoint && !arguments.has("--format"))
    return Error::format("--format FORMAT is needed (see --help)");
  auto type = file_type_of(arguments, "F32");
  if (!type) return type.error();
  auto threads = arguments.number("--threads", 0, 1, 1024);
  if (!threads) return threads.error();
  return checkpoint ? convert_checkpoint(arguments, **type, static_cast<u32>(*threads))
                    : convert_model(arguments, **type, static_cast<u32>(*threads));
}

}  // namespace bf::gguf
