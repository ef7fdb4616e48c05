// The searches for scales. All minimise the weighted squared error of a group, sum of
// w (x - x')^2: candidates of a step width give integers, integers give the best scale (and
// minimum) by least squares, and the candidate with the least error wins.
//
// How much an error of a weight matters is guessed from its size, as llama.cpp does where it knows
// nothing of activations: w = rms + |x|.
#pragma once

#include "tools/gguf/quantize/groups.h"

namespace bf::gguf {

template <u32 kSize>
struct Importance {
  Lanes w[kSize];

  BF_INLINE explicit Importance(const Groups<kSize>& groups) {
    Lanes squares;
    for (u32 i = 0; i < kSize; ++i) squares += groups.x[i] * groups.x[i];
    const Lanes rms = square_root(squares * (1.0f / kSize));
    for (u32 i = 0; i < kSize; ++i) w[i] = rms + absolute(groups.x[i]);
  }
};

// x' = scale * q, where q is one of the values of `grid`, sorted from -grid.extreme upwards: the
// value that is the largest by magnitude falls near that end, whatever its sign.
template <u32 kSize, class Grid>
BF_INLINE Lanes fit_signed(const Groups<kSize>& groups, const Grid& grid) {
  const Importance<kSize> importance(groups);
  // The magnitude is kept beside the value, because clang 19 loses the outer sign of
  // |x| > |extreme| ? x : extreme where it starts from zero (for AVX and up).
  Lanes extreme, largest;
  for (u32 i = 0; i < kSize; ++i) {
    const Lanes magnitude = absolute(groups.x[i]);
    const Mask larger = magnitude > largest;
    extreme = select(larger, groups.x[i], extreme);
    largest = select(larger, magnitude, largest);
  }
  const Lanes to_grid = reciprocal(-extreme);
  Lanes best_xq, best_qq = 1.0f, best_scale;
  const auto consider = [&](const Lanes& inverse) {
    Lanes xq, qq;
    for (u32 i = 0; i < kSize; ++i) {
      const Lanes q = grid.nearest(groups.x[i] * inverse);
      const Lanes wq = importance.w[i] * q;
      xq += groups.x[i] * wq;
      qq += q * wq;
    }
    // The error is sum(w x^2) - xq^2 / qq.
    const Mask better = xq * xq * best_qq > best_xq * best_xq * qq;
    best_scale = select(better, xq / qq, best_scale);
    best_xq = select(better, xq, best_xq);
    best_qq = select(better, qq, best_qq);
  };
  for (int step = -Grid::kSteps; step <= Grid::kSteps; ++step)
    consider(to_grid * (Grid::kExtreme + Grid::kStep * static_cast<float>(step)));
  // Rounding with the scale that was found may give better integers yet.
  consider(reciprocal(best_scale));
  return best_scale;
}

// Integers from -kLevels to kLevels - 1.
template <int kLevels>
struct IntegerGrid {
  static constexpr float kExtreme = kLevels;
  static constexpr float kStep = 0.1f;
  static constexpr int kSteps = 10;
  BF_INLINE Lanes nearest(const Lanes& x) const {
    return gguf::nearest(clamp(x, -kLevels, kLevels - 1));
  }
};

struct Affine {
  Lanes scale, minimum;
};

// x' = scale * q + minimum, q from 0 to kMost. Formats that store minimums as positive numbers to
// subtract want kBelowZero.
template <int kMost, bool kBelowZero, u32 kSize>
BF_INLINE Affine fit_affine(const Groups<kSize>& groups) {
  const Importance<kSize> importance(groups);
  Lanes least = groups.x[0], most = groups.x[0], w, wx;
  for (u32 i = 0; i < kSize; ++i) {
    least = at_most(least, groups.x[i]);
    most = at_least(most, groups.x[i]);
    w += importance.w[i];
    wx += importance.w[i] * groups.x[i];
  }
  if (kBelowZero) {
    least = at_most(least, 0.0f);
    most = at_least(most, 0.0f);
  }
  const Lanes to_one = reciprocal(most - least);
  // Where all values are the same, there is nothing to scale. The error is measured up to the
  // constant sum(w x^2).
  Affine best = {(most - least) * (1.0f / kMost), least};
  Lanes best_error = 3.4e38f;
  constexpr int kSteps = 24;
  for (int step = 0; step <= kSteps; ++step) {
    const Lanes inverse = to_one * (kMost - 1.0f + 0.1f * static_cast<float>(step));
    Lanes wq, wqq, wxq;
    for (u32 i = 0; i < kSize; ++i) {
      const Lanes q = nearest(clamp((groups.x[i] - least) * inverse, 0.0f, kMost));
      const Lanes weighted = importance.w[i] * q;
      wq += weighted;
      wqq += weighted * q;
      wxq += weighted * groups.x[i];
    }
    const Lanes determinant = w * wqq - wq * wq;
    const Mask solvable = determinant > 0.0f;
    Lanes scale = select(solvable, (w * wxq - wx * wq) / determinant, 0.0f);
    Lanes minimum = select(solvable, (wqq * wx - wq * wxq) / determinant, 0.0f);
    if (kBelowZero) {
      const Mask above = minimum > 0.0f;
      scale = select(above, wxq / wqq, scale);
      minimum = select(above, 0.0f, minimum);
    }
    const Lanes error = scale * (scale * wqq - 2.0f * wxq) + minimum * (minimum * w - 2.0f * wx) +
                        2.0f * scale * minimum * wq;
    const Mask better = solvable & (error < best_error) & (scale > 0.0f);
    best.scale = select(better, scale, best.scale);
    best.minimum = select(better, minimum, best.minimum);
    best_error = select(better, error, best_error);
  }
  return best;
}

}  // namespace bf::gguf
