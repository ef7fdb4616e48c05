// Random numbers that every tier, the native build and every machine draw alike.
#pragma once

#include "inference/types.h"

namespace inference {

// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
class Random {
 public:
  explicit Random(u64 seed = 0) {
    for (u64& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      u64 z = seed;
      z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
      z = (z ^ z >> 27) * 0x94d049bb133111eb;
      word = z ^ z >> 31;
    }
  }

  u64 next() {
    const u64 result = rotate_left(state_[1] * 5, 7) * 9;
    const u64 shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return result;
  }

  // From 0 (included) to 1 (excluded), 53 bits.
  double next_unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  static constexpr u64 rotate_left(u64 x, int count) { return x << count | x >> (64 - count); }

  u64 state_[4];
};

}  // namespace inference
