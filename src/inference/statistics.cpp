#include "inference/statistics.h"

namespace inference {

namespace {

constexpr double kNsPerMs = 1e6;
constexpr double kNsPerSecond = 1e9;

void describe_part(Message& message, Text name, u64 tokens, u64 ns) {
  message << name << " " << tokens << " tokens in "
          << Decimal{static_cast<double>(ns) / kNsPerMs, 1} << " ms";
  if (ns > 0 && tokens > 0) {
    const double rate = static_cast<double>(tokens) * kNsPerSecond / static_cast<double>(ns);
    message << " (" << Decimal{rate, 2} << " tok/s)";
  }
}

}  // namespace

void Statistics::add(const Statistics& other) {
  prompt_tokens += other.prompt_tokens;
  prompt_ns += other.prompt_ns;
  generated_tokens += other.generated_tokens;
  generate_ns += other.generate_ns;
}

void Statistics::describe(Message& message) const {
  describe_part(message, "prompt", prompt_tokens, prompt_ns);
  message << ", ";
  describe_part(message, "generated", generated_tokens, generate_ns);
}

}  // namespace inference
