// How fast the model is, for benchmarks: no text, no sampler, random tokens.
//
//   if (!bench(model, settings, error)) ...
//
// Each line of the input is work: "prompt N" reads N tokens of a fresh context in batches, with
// the logits of the last one; "generate N" reads N tokens one by one, each with its logits. When
// the model is loaded, "ready" goes to the text stream, then for each line its nanoseconds. Who
// asks decides what warms up, and what is compared with what in which order.
#pragma once

#include "inference/message.h"
#include "inference/settings.h"

namespace inference {

// The model's weights are rearranged in place. False if it or a line cannot be taken.
[[nodiscard]] bool bench(MutableBytes model, const Settings& settings, Error& error);

}  // namespace inference
