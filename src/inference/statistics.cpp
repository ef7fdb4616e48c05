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

ProgressLine::ProgressLine() : listens_(bf_listens(BF_STREAM_STATUS) != 0) {
  if (listens_) start_ns_ = shown_ns_ = bf_clock_ns();
}

void ProgressLine::show(u64 tokens, bool at_once) {
  constexpr u64 kPauseNs = 200'000'000;
  if (!listens_) return;
  const u64 now = bf_clock_ns();
  if (!at_once && now - shown_ns_ < kPauseNs) return;
  shown_ns_ = now;
  const double seconds = static_cast<double>(now - start_ns_) / kNsPerSecond;
  Message line;
  line << tokens << " token";
  if (tokens != 1) line << "s";
  if (seconds > 0) line << ", " << Decimal{static_cast<double>(tokens) / seconds, 1} << " tok/s";
  line.write(BF_STREAM_STATUS);
}

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
