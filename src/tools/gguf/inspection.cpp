#include "tools/gguf/inspection.h"

#include <algorithm>
#include <cmath>

#include "tools/gguf/quantize/quantize.h"

namespace bf::gguf {

namespace {

using inference::GgufType;
using inference::load_unaligned;

constexpr usize kColumns = 80;
constexpr usize kKeyColumn = 44;
constexpr u64 kShown = 6;  // elements of an array

constexpr const char* kTypeNames[] = {"u8",   "i8",   "u16",   "i16", "u32", "i32", "f32",
                                      "bool", "text", "array", "u64", "i64", "f64"};
constexpr u8 kScalarBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[200];
  const int size = std::snprintf(text, sizeof text, pattern, values...);
  return {text, std::min(static_cast<usize>(std::max(size, 0)), sizeof text - 1)};
}

// How many bytes the character at the start of `text` takes; 0 if it is none in UTF-8.
usize character_bytes(std::string_view text) {
  const u8 first = static_cast<u8>(text[0]);
  const usize size = first < 0x80   ? 1
                     : first < 0xc2 ? 0
                     : first < 0xe0 ? 2
                     : first < 0xf0 ? 3
                     : first < 0xf5 ? 4
                                    : 0;
  if (size > text.size()) return 0;
  for (usize i = 1; i < size; ++i)
    if ((static_cast<u8>(text[i]) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && static_cast<u8>(text[1]) < 0xa0) return 0;
  if (first == 0xed && static_cast<u8>(text[1]) >= 0xa0) return 0;
  if (first == 0xf0 && static_cast<u8>(text[1]) < 0x90) return 0;
  if (first == 0xf4 && static_cast<u8>(text[1]) >= 0x90) return 0;
  return size;
}

// As a JSON string; bytes that are no character become U+FFFD.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const usize size = character_bytes(text);
    const char c = text[0];
    if (size == 0)
      result += "\xef\xbf\xbd";
    else if (c == '"' || c == '\\')
      result += std::string("\\") + c;
    else if (static_cast<u8>(c) < 0x20 || c == 0x7f)
      result += format("\\u%04x", c);
    else
      result += text.substr(0, size);
    text.remove_prefix(std::max<usize>(size, 1));
  }
  return result + "\"";
}

std::string number_text(double value, const char* pattern) {
  return std::isfinite(value) ? format(pattern, value) : "null";
}

// A scalar of `type`, as JSON has it.
std::string scalar(GgufType type, const u8* at) {
  switch (type) {
    case GgufType::U8:
      return std::to_string(load_unaligned<u8>(at));
    case GgufType::I8:
      return std::to_string(load_unaligned<i8>(at));
    case GgufType::U16:
      return std::to_string(load_unaligned<u16>(at));
    case GgufType::I16:
      return std::to_string(load_unaligned<i16>(at));
    case GgufType::U32:
      return std::to_string(load_unaligned<u32>(at));
    case GgufType::I32:
      return std::to_string(load_unaligned<i32>(at));
    case GgufType::U64:
      return std::to_string(load_unaligned<u64>(at));
    case GgufType::I64:
      return std::to_string(load_unaligned<i64>(at));
    case GgufType::F32:
      return number_text(static_cast<double>(load_unaligned<float>(at)), "%.9g");
    case GgufType::F64:
      return number_text(load_unaligned<double>(at), "%.17g");
    case GgufType::Bool:
      return *at != 0 ? "true" : "false";
    case GgufType::String:
      return quoted({reinterpret_cast<const char*>(at) + 8, load_unaligned<u64>(at)});
    case GgufType::Array:
      break;
  }
  return "null";
}

// "[1, 2, 3, ...]"; all elements, or some.
std::string array(const u8* at, u64 most) {
  const auto type = static_cast<GgufType>(load_unaligned<u32>(at));
  const u64 count = load_unaligned<u64>(at + 4);
  at += 12;
  std::string result = "[";
  for (u64 i = 0; i < std::min(count, most); ++i) {
    result += (i > 0 ? ", " : "") + scalar(type, at);
    at += type == GgufType::String ? 8 + load_unaligned<u64>(at)
                                   : kScalarBytes[static_cast<u32>(type)];
  }
  return result + (count > most ? ", ...]" : "]");
}

std::string type_name(const inference::Gguf::Value& value) {
  if (value.type != GgufType::Array) return kTypeNames[static_cast<u32>(value.type)];
  return std::to_string(load_unaligned<u64>(value.data + 4)) + " " +
         kTypeNames[load_unaligned<u32>(value.data)];
}

// At most `columns` wide, without cutting a character.
std::string shortened(const std::string& text, usize columns) {
  std::string result;
  usize width = 0;
  for (std::string_view rest = text; !rest.empty(); ++width) {
    const usize size = std::max<usize>(1, character_bytes(rest));
    if (width + 3 >= columns && rest.size() > size) {
      const bool all_fits = std::count_if(rest.begin(), rest.end(), [](char c) {
                              return (static_cast<u8>(c) & 0xc0) != 0x80;
                            }) <= static_cast<std::ptrdiff_t>(columns - width);
      if (!all_fits) return result + "...";
    }
    result += rest.substr(0, size);
    rest.remove_prefix(size);
  }
  return result;
}

std::string padded(std::string text, usize columns) {
  text.resize(std::max(columns, text.size()), ' ');
  return text;
}

std::string shape_text(const std::vector<u64>& sizes, const char* between) {
  std::string text;
  for (const u64 size : sizes) text += (text.empty() ? "" : between) + std::to_string(size);
  return text;
}

double bits(u64 bytes, u64 elements) {
  return elements == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(elements);
}

}  // namespace

Inspection::Inspection(const SourceModel& model) : file_bytes_(model.file_bytes()) {
  for (u64 i = 0; i < model.gguf().value_count(); ++i) {
    const auto& value = model.gguf().value(i);
    const bool is_array = value.type == GgufType::Array;
    entries_.push_back({std::string(view(value.key)), type_name(value),
                        is_array ? array(value.data, kShown) : scalar(value.type, value.data),
                        is_array ? array(value.data, UINT64_MAX) : scalar(value.type, value.data)});
  }
  for (u64 i = 0; i < model.gguf().tensor_count(); ++i) {
    const auto& tensor = model.gguf().tensor(i);
    Tensor row{std::string(view(tensor.name)),
               std::string(view(inference::format_name(tensor.type))),
               {},
               1,
               0};
    row.sizes.assign(tensor.sizes, tensor.sizes + tensor.dimensions);
    for (const u64 size : row.sizes) row.elements *= size;
    const Quantizer* const known = find_quantizer(tensor.type);
    if (known) row.bytes = known->bytes(row.elements);
    tensors_.push_back(std::move(row));
  }
}

std::vector<Inspection::Total> Inspection::totals() const {
  std::vector<Total> totals;
  Total all{.format = "all"};
  for (const Tensor& tensor : tensors_) {
    auto at = std::find_if(totals.begin(), totals.end(),
                           [&](const Total& total) { return total.format == tensor.format; });
    if (at == totals.end()) at = totals.insert(at, Total{.format = tensor.format});
    for (Total* const total : {&*at, &all}) {
      ++total->tensors;
      total->elements += tensor.elements;
      total->bytes += tensor.bytes;
    }
  }
  if (totals.size() != 1) totals.push_back(all);
  return totals;
}

std::string Inspection::text(std::string_view file, bool with_tensors) const {
  std::string text = std::string(file) + ": GGUF, " + std::to_string(file_bytes_) + " bytes, " +
                     std::to_string(entries_.size()) + " entries, " +
                     std::to_string(tensors_.size()) + " tensors\n\n";
  for (const Entry& entry : entries_) {
    const std::string left = "  " + padded(shortened(entry.key, kKeyColumn), kKeyColumn) + " " +
                             padded(entry.type, 10) + " ";
    text += left + shortened(entry.value, kColumns - std::min(left.size(), kColumns - 8)) + "\n";
  }
  if (with_tensors) {
    text += "\n" +
            format("  %-30s %-20s %-7s %11s %6s\n", "tensor", "shape", "format", "bytes", "bits");
    for (const Tensor& tensor : tensors_)
      text += format("  %-30s %-20s %-7s %11llu %6.3f\n", shortened(tensor.name, 30).c_str(),
                     shape_text(tensor.sizes, " x ").c_str(), tensor.format.c_str(),
                     static_cast<unsigned long long>(tensor.bytes),
                     bits(tensor.bytes, tensor.elements));
  }
  text +=
      "\n" + format("  %-8s %8s %15s %15s %6s\n", "format", "tensors", "weights", "bytes", "bits");
  for (const Total& total : totals())
    text += format("  %-8s %8llu %15llu %15llu %6.3f\n", total.format.c_str(),
                   static_cast<unsigned long long>(total.tensors),
                   static_cast<unsigned long long>(total.elements),
                   static_cast<unsigned long long>(total.bytes), bits(total.bytes, total.elements));
  return text;
}

std::string Inspection::json() const {
  std::string text = "{\n  \"bytes\": " + std::to_string(file_bytes_) + ",\n  \"metadata\": {";
  const char* comma = "\n";
  for (const Entry& entry : entries_) {
    text += comma + ("    " + quoted(entry.key)) + ": " + entry.json;
    comma = ",\n";
  }
  text += "\n  },\n  \"tensors\": [";
  comma = "\n";
  for (const Tensor& tensor : tensors_) {
    text += comma + ("    {\"name\": " + quoted(tensor.name)) + ", \"shape\": [" +
            shape_text(tensor.sizes, ", ") + "], \"format\": " + quoted(tensor.format) +
            ", \"weights\": " + std::to_string(tensor.elements) +
            ", \"bytes\": " + std::to_string(tensor.bytes) + "}";
    comma = ",\n";
  }
  text += "\n  ],\n  \"totals\": [";
  comma = "\n";
  for (const Total& total : totals()) {
    text += comma + ("    {\"format\": " + quoted(total.format)) +
            ", \"tensors\": " + std::to_string(total.tensors) +
            ", \"weights\": " + std::to_string(total.elements) +
            ", \"bytes\": " + std::to_string(total.bytes) +
            format(", \"bits_per_weight\": %.4f}", bits(total.bytes, total.elements));
    comma = ",\n";
  }
  return text + "\n  ]\n}\n";
}

}  // namespace bf::gguf
