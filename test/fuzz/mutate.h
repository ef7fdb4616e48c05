// Deterministic mutation of byte strings: the fuzzers' everyday form, run as ordinary tests from
// seeds with a fixed generator. The same entry points also link against libFuzzer (meson option
// `fuzz`), which finds new seeds.
//
//   Mutator mutator(1);
//   for (int i = 0; i < 5000; ++i) entry(mutator.mutate(seed));
#pragma once

#include <cstdint>
#include <vector>

namespace bf::fuzz {

using Bytes = std::vector<std::uint8_t>;

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}

  std::uint64_t next() {  // xorshift64*, S. Vigna 2016
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  std::uint64_t below(std::uint64_t n) { return n ? next() % n : 0; }

  // One to eight changes: bits, bytes, interesting integers, stretches cut, doubled or moved.
  Bytes mutate(Bytes bytes) {
    for (std::uint64_t n = 1 + below(8); n > 0; --n) change(bytes);
    return bytes;
  }

 private:
  void change(Bytes& b) {
    static constexpr std::uint64_t kInteresting[] = {
        0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
        0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0x100000000, 64, 65};
    if (b.empty()) return b.push_back(static_cast<std::uint8_t>(next()));
    const std::uint64_t at = below(b.size());
    switch (below(7)) {
      case 0:
        b[at] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        b[at] = static_cast<std::uint8_t>(next());
        break;
      case 2: {
        const std::uint64_t v = kInteresting[below(std::size(kInteresting))];
        const std::uint64_t size = std::uint64_t{1} << below(4);
        for (std::uint64_t i = 0; i < size && at + i < b.size(); ++i)
          b[at + i] = static_cast<std::uint8_t>(v >> (8 * i));
        break;
      }
      case 3:
        b.resize(at);
        break;
      case 4:
        b.erase(b.begin() + static_cast<std::ptrdiff_t>(at),
                b.begin() + static_cast<std::ptrdiff_t>(at + below(b.size() - at > 64 ? 64 : b.size() - at)));
        break;
      case 5: {
        const Bytes piece(b.begin() + static_cast<std::ptrdiff_t>(at),
                          b.begin() + static_cast<std::ptrdiff_t>(at + below(b.size() - at > 64 ? 64 : b.size() - at)));
        const std::uint64_t to = below(b.size());
        b.insert(b.begin() + static_cast<std::ptrdiff_t>(to), piece.begin(), piece.end());
        break;
      }
      default:
        b[at] = static_cast<std::uint8_t>(b[at] + (next() & 1 ? 1 : -1));
    }
  }

  std::uint64_t state_;
};

}  // namespace bf::fuzz
