// How long a core looks for something that another core is about to do, before it sleeps.
//
//   Patience patience;
//   const u64 start = platform::ticks();
//   if (!patience.spin(is_done, is_away)) sleep();
//   patience.waited(platform::ticks() - start);
//
// Sleeping and being woken cost some ten microseconds, and a system call at either side. So waits
// that have been short are spun through, up to a limit; where waits turn out long, less and less is
// spun for nothing. And nobody spins for a core that cannot do anything meanwhile, because it would
// need this very processor for it (platform::processor_number).
#pragma once

#include "runtime/platform.h"

namespace bf {

class Patience {
 public:
  // Whether `done` came true meanwhile; given up if `away` says that it cannot, asked now and then.
  template <class Done, class Away>
  [[nodiscard]] bool spin(Done&& done, Away&& away) const {
    if (done()) return true;
    const u64 unit = microsecond();
    const u64 start = platform::ticks();
    u64 now = start;
    while (!away() && now - start < limit_ * unit) {
      const u64 burst = now;
      while (now - burst < kBurst * unit) {
        for (u32 i = 0; i < kLooks; ++i) {
          if (done()) return true;
          __builtin_ia32_pause();
        }
        now = platform::ticks();
      }
    }
    return done();
  }

  // How long it took in the end, asleep or not.
  void waited(u64 ticks) {
    const bool was_worth_it = ticks < kMost * microsecond();
    const u64 next = was_worth_it ? limit_ * 2 : limit_ / 2;
    limit_ = next > kMost ? kMost : next < kLeast ? kLeast : next;
  }

 private:
  // In microseconds.
  static constexpr u64 kBurst = 5, kLeast = 2, kMost = 200;
  static constexpr u32 kLooks = 16;

  static u64 microsecond() { return platform::ticks_per_second() / 1'000'000; }

  u64 limit_ = kMost;
};

}  // namespace bf
