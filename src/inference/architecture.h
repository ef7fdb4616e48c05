// What differs between the architectures: a row of architectures.def.
//
//   if (!find_architecture("qwen2", architecture)) ...
//   if (architecture.has(Architecture::Biases)) ...
#pragma once

#include "inference/message.h"

namespace inference {

struct Architecture {
  enum Pairs : u32 { Neighbours, Halves };
  enum Flags : u32 { Biases = 1, HeadNorms = 2, ScaledEmbedding = 4, Gelu = 8 };

  Text name;
  Pairs pairs;
  u32 flags;

  bool has(Flags flag) const { return (flags & flag) != 0; }
};

bool find_architecture(Text name, Architecture& found);
void list_architectures(Message& message);

}  // namespace inference
