// Where the program's cycles go, by address: the program counter at every tick of its CPU time. On
// hosts only.
//
//   Sampler sampler(1000);                 // a thousand times a second of CPU time
//   ... run ...
//   sampler.stop();
//   for (u64 pc : sampler.addresses()) ...
//
// One at a time in a process: it takes SIGPROF and ITIMER_PROF.
#pragma once

#include <span>
#include <vector>

#include "runtime/base.h"

namespace bf::microjit {

class Sampler {
 public:
  static constexpr usize kMost = 1 << 20;  // then it is full
  explicit Sampler(u32 per_second);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  void stop();
  std::span<const u64> addresses() const;
  // How many there are by now.
  usize taken() const { return addresses().size(); }
  // Ticks of the time-stamp counter that each stands for: the processor time until now, by their
  // number. The kernel may take fewer than were asked for.
  u64 ticks_each() const;

 private:
  u64 started_ns_ = 0, stopped_ns_ = 0;  // of processor time
  std::vector<u64> addresses_;
};

}  // namespace bf::microjit
