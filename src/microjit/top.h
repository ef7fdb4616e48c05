// Functions by their share of the cycles since somebody looked the last time.
//
//   Top top(engine);
//   top.write(text, 15);        // since the start
//   ...
//   top.write(text, 15);        // since then
#pragma once

#include "microjit/microjit.h"

namespace bf::microjit {

class Top {
 public:
  explicit Top(const Engine& engine) : engine_(engine) {}

  // What happens from now on counts.
  void mark();
  // A line with what there is in all, a title, and up to `rows` functions, most cycles first; lines
  // of at most 79 characters. Then as mark().
  void write(Text& text, usize rows);

 private:
  struct Seen {
    u64 self_cycles = 0, calls = 0;
  };

  const Engine& engine_;
  std::vector<Seen> seen_;  // by function
  u64 seen_ns_ = 0;
};

}  // namespace bf::microjit
