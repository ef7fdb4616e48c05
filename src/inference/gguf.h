// GGUF, versions 2 and 3: metadata and the tensor directory of a model file.
//
//   Gguf file;
//   Error error;
//   if (!file.parse(blob, error)) ...       // "model: ..."
//   Text architecture;
//   if (file.find_text("general.architecture", architecture)) ...
//   const GgufTensor* tensor = file.find_tensor("output.weight");
//
// Nothing in the file is trusted: every length is checked against the bytes that are there before
// it is used, and the work and memory spent are in proportion to the size of the file. Views point
// into the blob, which must stay.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include "inference/message.h"
#include "inference/name_table.h"
#include "inference/types.h"

namespace inference {

enum class GgufType : u32 {
  U8 = 0,
  I8 = 1,
  U16 = 2,
  I16 = 3,
  U32 = 4,
  I32 = 5,
  F32 = 6,
  Bool = 7,
  String = 8,
  Array = 9,
  U64 = 10,
  I64 = 11,
  F64 = 12,
};

// An array in the metadata: `count` elements of one type, packed, of any alignment; bounds have
// been checked.
struct GgufArray {
  GgufType type;
  u64 count;
  const u8* data;
};

struct GgufTensor {
  static constexpr u32 kMostDimensions = 4;

  Text name;
  u32 type;                    // a gguf_id of formats.def, or unknown
  u32 dimensions;              // 1 to 4
  u64 sizes[kMostDimensions];  // innermost first; 1 behind the last
  const u8* data;              // start of the tensor, inside the blob
  u64 bytes_to_end;            // how many bytes of the blob follow `data`
};

class Gguf {
 public:
  [[nodiscard]] bool parse(Bytes blob, Error& error);

  // Metadata. False where there is no such key, or its value is of another kind. Any integer type
  // counts as an integer if the value is not negative, either float type as a float.
  bool find_integer(Text key, u64& value) const;
  bool find_float(Text key, float& value) const;
  bool find_bool(Text key, bool& value) const;
  bool find_text(Text key, Text& value) const;
  bool find_array(Text key, GgufArray& value) const;
  bool has(Text key) const { return find(key) != nullptr; }

  // A tensor of the directory, or null.
  const GgufTensor* find_tensor(Text name) const;

  // All of it, in the order of the file. A value's data is as it is there.
  struct Value {
    Text key;
    GgufType type;
    const u8* data;
  };
  u64 value_count() const { return values_.size() - 1; }
  const Value& value(u64 index) const { return values_[index]; }
  u64 tensor_count() const { return tensors_.size() - 1; }
  const GgufTensor& tensor(u64 index) const { return tensors_[index]; }

 private:
  class Reader;

  bool read_metadata(Reader& reader, u64 count, Error& error);
  bool read_tensors(Reader& reader, u64 count, Error& error);
  bool place_tensors(Bytes blob, u64 end_of_directory, Error& error);
  const Value* find(Text key) const;

  Array<Value> values_;
  NameTable value_index_;
  Array<GgufTensor> tensors_;
  NameTable tensor_index_;
};

// Walks the strings of an array of strings.
//
//   GgufStrings strings(array);
//   for (u64 i = 0; i < array.count; ++i) use(strings.next());
class GgufStrings {
 public:
  explicit GgufStrings(const GgufArray& array) : at_(array.data) {}
  explicit GgufStrings(const u8* first) : at_(first) {}
  const u8* here() const { return at_; }
  Text next() {
    const u64 size = load_unaligned<u64>(at_);
    const Text text(reinterpret_cast<const char*>(at_ + sizeof(u64)), size);
    at_ += sizeof(u64) + size;
    return text;
  }

 private:
  const u8* at_;
};

}  // namespace inference
