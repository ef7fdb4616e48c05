// Random numbers that are the same on every machine: integers, added up exactly.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::gguf {

// SplitMix64, G. Steele, D. Lea, C. Flood 2014: the number at `index` of the sequence of `key`.
constexpr u64 random_bits(u64 key, u64 index) {
  u64 x = key + (index + 1) * 0x9e3779b97f4a7c15;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// A sequence for each name.
constexpr u64 random_key(u64 seed, std::string_view name) {
  u64 key = random_bits(seed, 0);
  for (const char c : name) key = random_bits(key ^ static_cast<u8>(c), 0);
  return key;
}

// out[i] = mean + deviation * the number at first + i of the sequence: sums of eight uniform ones,
// which differ from normal ones by an excess kurtosis of -0.15, and end at 4.9.
inline void fill_normals(float* out, u64 count, u64 key, u64 first, float mean, float deviation) {
  constexpr i32 kMean = 8 * 65535 / 2;
  constexpr float kDeviation = 53510.5f;  // sqrt(8 * (65536^2 - 1) / 12)
  for (u64 i = 0; i < count; ++i) {
    i32 sum = -kMean;
    for (u64 half = 0; half < 2; ++half) {
      const u64 bits = random_bits(key, 2 * (first + i) + half);
      for (u32 shift = 0; shift < 64; shift += 16) sum += static_cast<i32>(bits >> shift & 0xffff);
    }
    out[i] = mean + deviation * (static_cast<float>(sum) / kDeviation);
  }
}

}  // namespace bf::gguf
