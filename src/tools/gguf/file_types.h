// Which tensor of a model gets which format.
//
//   const FileType* type = find_file_type("Q4_K_M");
//   FormatChooser chooser(*type, pure, {.layers = 22, .heads_per_kv_head = 8, .tied = false});
//   const Quantizer& format = chooser.choose("blk.0.attn_v.weight", 2, 2048);   // Q6_K
//
// The choices are those of llama.cpp's llama-quantize, so that a file of the same name has the
// same size and the same strengths.
#pragma once

#include <string_view>

#include "tools/gguf/arguments.h"
#include "tools/gguf/quantize/quantize.h"

namespace bf::gguf {

struct FileType {
  std::string_view name;
  u32 number;
  std::string_view format;
};

// Upper and lower case are the same; Q3_K, Q4_K and Q5_K stand for Q3_K_M, Q4_K_M and Q5_K_M.
// Null where there is none.
const FileType* find_file_type(std::string_view name);

// What --format names; `fallback` where it was not given.
Result<const FileType*> file_type_of(const Arguments& arguments, const char* fallback);

// What choices depend on.
struct ModelTraits {
  u64 layers;
  u64 heads_per_kv_head;
  bool tied;  // the embeddings are the output matrix, too
};

class FormatChooser {
 public:
  FormatChooser(const FileType& type, bool pure, const ModelTraits& traits)
      : type_(type), pure_(pure), traits_(traits) {}

  const Quantizer& choose(std::string_view tensor, u32 dimensions, u64 columns) const;

 private:
  std::string_view preferred(std::string_view tensor, u64 columns) const;
  std::string_view of_output(u64 columns) const;
  std::string_view of_values(u64 layer) const;
  std::string_view of_down(u64 layer) const;
  std::string_view of_attention_output() const;
  bool is(std::string_view name) const { return type_.name == name; }
  bool deserves_more(u64 layer) const;

  const FileType& type_;
  const bool pure_;
  const ModelTraits traits_;
};

// What takes the place of a format where rows are no multiple of its block.
const Quantizer& fallback(const Quantizer& format, u64 columns);
// The same, and a line on standard error where it takes place.
const Quantizer& fallback_with_note(const Quantizer& format, std::string_view tensor, u64 columns);

}  // namespace bf::gguf
