#include "tools/gguf/file_types.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <string>

namespace bf::gguf {

namespace {

constexpr FileType kFileTypes[] = {
#define BF_FILE_TYPE(name, number, format) {#name, number, #format},
#include "tools/gguf/file_types.def"
#undef BF_FILE_TYPE
};

constexpr struct {
  std::string_view format, instead;
} kFallbacks[] = {
    {"Q2_K", "Q4_0"}, {"Q3_K", "Q4_0"}, {"Q4_K", "Q5_0"},
    {"Q5_K", "Q5_1"}, {"Q6_K", "Q8_0"}, {"IQ4_XS", "IQ4_NL"},
};

const Quantizer& quantizer(std::string_view name) {
  const Quantizer* const found = find_quantizer(name);
  BF_ASSERT(found != nullptr);
  return *found;
}

// Matrices; norms, biases and the like stay what they are.
bool is_quantized(std::string_view tensor, u32 dimensions) {
  return dimensions >= 2 && tensor.ends_with("weight") && !tensor.ends_with("_norm.weight") &&
         !tensor.ends_with("ffn_gate_inp.weight");
}

// The 7 in blk.7.attn_v.weight.
u64 layer_of(std::string_view tensor) {
  u64 layer = 0;
  if (tensor.starts_with("blk.")) std::from_chars(tensor.data() + 4, tensor.end(), layer);
  return layer;
}

}  // namespace

const FileType* find_file_type(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "Q3_K" || upper == "Q4_K" || upper == "Q5_K") upper += "_M";
  for (const FileType& type : kFileTypes)
    if (upper == type.name) return &type;
  return nullptr;
}

const Quantizer& fallback(const Quantizer& format, u64 columns) {
  if (columns % format.block_elements == 0) return format;
  for (const auto& row : kFallbacks)
    if (row.format == format.name) return fallback(quantizer(row.instead), columns);
  return quantizer("F16");
}

const Quantizer& fallback_with_note(const Quantizer& format, std::string_view tensor, u64 columns) {
  const Quantizer& instead = fallback(format, columns);
  if (&instead != &format)
    std::fprintf(stderr, "note: %.*s has %llu columns, no multiple of %u: %s instead of %s\n",
                 static_cast<int>(tensor.size()), tensor.data(),
                 static_cast<unsigned long long>(columns), format.block_elements,
                 instead.name.data(), format.name.data());
  return instead;
}

Result<const FileType*> file_type_of(const Arguments& arguments, const char* fallback) {
  const char* const name = arguments.has("--format") ? arguments.get("--format") : fallback;
  if (const FileType* const type = find_file_type(name)) return type;
  return Error::format("--format %s: there is no such format (see --help)", name);
}

const Quantizer& FormatChooser::choose(std::string_view tensor, u32 dimensions, u64 columns) const {
  if (!is_quantized(tensor, dimensions)) return quantizer("F32");
  if (pure_ || quantizer(type_.format).is_float()) return quantizer(type_.format);
  return quantizer(preferred(tensor, columns));
}

// The first and last eighth of the layers, and every third between.
bool FormatChooser::deserves_more(u64 layer) const {
  const u64 eighth = traits_.layers / 8;
  return layer < eighth || layer >= 7 * traits_.layers / 8 || (layer - eighth) % 3 == 2;
}

std::string_view FormatChooser::preferred(std::string_view tensor, u64 columns) const {
  const u64 layer = layer_of(tensor);
  if (tensor == "output.weight" || (traits_.tied && tensor == "token_embd.weight"))
    return of_output(columns);
  if (tensor.ends_with("attn_v.weight")) return of_values(layer);
  if (tensor.ends_with("ffn_down.weight")) return of_down(layer);
  if (tensor.ends_with("attn_output.weight")) return of_attention_output();
  return type_.format;
}

std::string_view FormatChooser::of_output(u64 columns) const {
  if (is("Q8_0") || columns % quantizer(type_.format).block_elements != 0) return "Q8_0";
  return "Q6_K";
}

std::string_view FormatChooser::of_values(u64 layer) const {
  const bool shared = traits_.heads_per_kv_head >= 4;
  if (is("Q2_K")) return shared ? "Q4_K" : "Q3_K";
  if (is("Q3_K_M")) return layer < 2 ? "Q5_K" : "Q4_K";
  if (is("Q3_K_L") || (is("Q4_K_S") && layer < 4)) return "Q5_K";
  if ((is("IQ4_NL") || is("IQ4_XS")) && shared) return "Q5_K";
  if ((is("Q4_K_M") || is("Q5_K_M")) && deserves_more(layer)) return "Q6_K";
  return type_.format;
}

std::string_view FormatChooser::of_down(u64 layer) const {
  const bool early = layer < traits_.layers / 8;
  if (is("Q2_K")) return "Q3_K";
  if (is("Q3_K_M")) return layer < traits_.layers / 16 ? "Q5_K" : "Q4_K";
  if (is("Q3_K_L")) return "Q5_K";
  if ((is("Q4_K_M") || is("Q5_K_M")) && deserves_more(layer)) return "Q6_K";
  if ((is("Q4_K_S") || is("IQ4_NL") || is("IQ4_XS")) && early) return "Q5_K";
  return type_.format;
}

std::string_view FormatChooser::of_attention_output() const {
  if (is("Q2_K")) return "Q3_K";
  if (is("Q3_K_M")) return "Q4_K";
  if (is("Q3_K_L")) return "Q5_K";
  return type_.format;
}

}  // namespace bf::gguf
