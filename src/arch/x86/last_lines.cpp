#include "arch/x86/last_lines.h"

#include <algorithm>
#include <cstring>

#include "arch/x86/print.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr usize kKept = 2048;  // bytes, a power of two
constexpr int kLines = 10;

char kept[kKept];
u64 written = 0;  // bytes altogether
bool held = false;

char report[12 * 1024];
usize report_bytes = 0;

char at(u64 place) {
  return kept[place % kKept];
}

// Where the last lines begin; an unfinished one counts.
u64 first_of_lines() {
  const u64 oldest = written > kKept ? written - kKept : 0;
  u64 place = written;
  for (int lines = 0; place > oldest; --place) {
    const bool is_end = at(place - 1) == '\n' && place != written;
    if (is_end && ++lines == kLines) return place;
  }
  // The oldest byte may be in the middle of a line.
  if (oldest != 0)
    while (place < written && at(place - 1) != '\n') ++place;
  return place;
}

}  // namespace

void keep_last_lines(std::string_view bytes) {
  if (held) {
    const usize count = std::min(bytes.size(), sizeof report - report_bytes);
    std::memcpy(report + report_bytes, bytes.data(), count);
    report_bytes += count;
    return;
  }
  for (const char c : bytes) kept[written++ % kKept] = c;
}

void hold_last_lines() {
  held = true;
}

std::string_view report_text() {
  return {report, report_bytes};
}

void forget_report() {
  held = false;
  report_bytes = 0;
}

void print_last_lines() {
  if (written == 0) return;
  print("last lines of the log:\n");
  bool at_start = true;
  char line[kKept + 1];
  usize size = 0;
  const auto flush = [&] {
    platform::write(platform::Stream::Log, {line, size});
    size = 0;
  };
  for (u64 place = first_of_lines(); place < written; ++place) {
    if (at_start) print("  | ");
    at_start = at(place) == '\n';
    line[size++] = at(place);
    if (at_start) flush();
  }
  if (!at_start) line[size++] = '\n';
  flush();
}

}  // namespace bf::x86
