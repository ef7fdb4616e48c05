// Reading a model's shape from its metadata.
#pragma once

#include "inference/model.h"

namespace inference {

// Fills in everything but the vocabulary, which the embedding's rows tell. Checks that the numbers
// make sense by themselves and with each other.
[[nodiscard]] bool read_shape(const Gguf& file, Shape& shape, Error& error);

}  // namespace inference
