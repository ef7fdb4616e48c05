// What a model says at every position of a prompt: for comparing implementations, and for
// perplexities.
#pragma once

#include "inference/settings.h"

namespace inference {

// Writes the logits after each token to the logits stream: little-endian floats, (tokens,
// vocabulary), in order, as they are computed. The tokens are the numbers in `ids` or, where that is
// null, those of the prompt. The model's weights are rearranged in place.
[[nodiscard]] bool write_logits(MutableBytes model, Text prompt, Text ids,
                                const Settings& settings, Error& error);

}  // namespace inference
