#include "inference/rope_angles.h"

#include "inference/math.h"

namespace inference {

namespace {

constexpr double kTwoPi = 6.28318530717958647693;
// Pairs that turn more often than this in the original context are left alone; slower ones than
// the other are scaled in full (the paper's alpha and beta).
constexpr double kFastTurns = 32.0, kSlowTurns = 1.0;

double clamp(double x, double low, double high) {
  return x > low ? (x < high ? x : high) : low;  // what is no number becomes `low`
}

}  // namespace

double RopeAngles::frequency(u64 pair, u64 rotated_dim) const {
  const double dim = static_cast<double>(rotated_dim), at = static_cast<double>(pair);
  const double own = power(base, -2.0 * at / dim) / (factors == nullptr ? 1.0f : factors[pair]);
  if (original_context == 0) return own * scale;
  // The pair, a real number, that turns so often.
  const auto turning = [&](double turns) {
    const double context = static_cast<double>(original_context);
    return dim * log(context / (turns * kTwoPi)) / (2.0 * log(static_cast<double>(base)));
  };
  const auto whole = [](double x) { return static_cast<double>(static_cast<i64>(x)); };
  // Rounded down and up, within the head; what is negative becomes 0.
  const double fast = whole(clamp(turning(kFastTurns), 0.0, dim - 1.0));
  const double slow_real = clamp(turning(kSlowTurns), 0.0, dim - 1.0);
  const double slow = whole(slow_real) + (whole(slow_real) < slow_real ? 1.0 : 0.0);
  const double range = slow - fast > 0.001 ? slow - fast : 0.001;
  const double slowness = clamp((at - fast) / range, 0.0, 1.0);
  return own * (scale * slowness + (1.0 - slowness));
}

double RopeAngles::magnitude() const {
  const double sharper = original_context == 0 ? 1.0 : 1.0 - 0.1 * log(static_cast<double>(scale));
  return sharper * attention;
}

}  // namespace inference
