// The soft float operations against the host's hardware and math library, bit for bit.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "microjit/semantics.h"

namespace {

using namespace bf;
using namespace bf::microjit;

// Random bit patterns reach every exponent; half of them are pulled close together, where rounding
// is decided.
template <class T>
T random_float(std::mt19937_64& random) {
  using Bits = sem::Bits<T>;
  Bits bits = static_cast<Bits>(random());
  if (random() & 1) {
    constexpr Bits one = std::bit_cast<Bits>(T{1});
    bits = (bits & ~(one | (one >> 1))) | one;
    bits ^= static_cast<Bits>(random() & 7) << (sizeof(T) == 8 ? 52 : 23);
  }
  static constexpr T special[] = {0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, INFINITY, -INFINITY, NAN};
  if (random() % 16 == 0) return special[random() % std::size(special)];
  return std::bit_cast<T>(bits);
}

template <class T>
bool same(T a, T b) {
  return (a != a && b != b) || std::bit_cast<sem::Bits<T>>(a) == std::bit_cast<sem::Bits<T>>(b);
}

template <class T>
void check_all(int count) {
  std::mt19937_64 random(42);
  for (int i = 0; i < count; ++i) {
    const T a = random_float<T>(random), b = random_float<T>(random), c = random_float<T>(random);
    CAPTURE(a, b, c);
    REQUIRE(same(sem::fma_soft(a, b, c), std::fma(a, b, c)));
    REQUIRE(same(sem::fma_soft(a, b, -a * b), std::fma(a, b, -a * b)));
    REQUIRE(same(sem::floor::apply(a), std::floor(a)));
    REQUIRE(same(sem::ceil::apply(a), std::ceil(a)));
    REQUIRE(same(sem::trunc_f::apply(a), std::trunc(a)));
    REQUIRE(same(sem::rint::apply(a), std::nearbyint(a)));
    REQUIRE(same(sem::round::apply(a), std::round(a)));
    REQUIRE(same(sem::sqrt::apply(a), std::sqrt(a)));
    REQUIRE(same(sem::copysign::apply(a, b), std::copysign(a, b)));
    REQUIRE(same(sem::frem(a, b), std::fmod(a, b)));
  }
}

TEST_CASE("soft float operations are those of the hardware, f64") { check_all<double>(200000); }
TEST_CASE("soft float operations are those of the hardware, f32") { check_all<float>(200000); }

TEST_CASE("every half is widened exactly and comes back") {
  for (u32 bits = 0; bits < 0x10000; ++bits) {
    const float wide = sem::from_f16(static_cast<u16>(bits));
    const float want = static_cast<float>(std::bit_cast<_Float16>(static_cast<u16>(bits)));
    REQUIRE(same(wide, want));
    if (wide == wide) REQUIRE(sem::to_f16(wide) == bits);
  }
}

TEST_CASE("narrowing to half rounds once") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 300000; ++i) {
    const float a = random_float<float>(random);
    const double d = random_float<double>(random);
    CAPTURE(a, d);
    const u16 from_float = std::bit_cast<u16>(static_cast<_Float16>(a));
    if (a == a) REQUIRE(sem::to_f16(a) == from_float);
    // Around every boundary between two halves, in double.
    const double edge = (static_cast<double>(sem::from_f16(static_cast<u16>(random() & 0x7bff))) +
                         sem::from_f16(static_cast<u16>(random() & 0x7bff))) / 2;
    const double near = std::nextafter(edge, d > 0 ? 1e300 : -1e300);
    REQUIRE(sem::to_f16(near) == std::bit_cast<u16>(static_cast<_Float16>(near)));
  }
}

TEST_CASE("narrowing to bfloat16 is to the nearest, ties to even") {
  CHECK(sem::to_bf16(1.0) == 0x3f80);
  CHECK(sem::to_bf16(1.00390625) == 0x3f80);             // a tie, to even
  CHECK(sem::to_bf16(1.01171875) == 0x3f82);             // a tie, to even, upwards
  CHECK(sem::to_bf16(1.003906250000001) == 0x3f81);      // just above it
  CHECK(sem::to_bf16(3.5e38) == 0x7f80);
  CHECK(sem::to_bf16(-1e-45) == 0x8000);
  CHECK((sem::to_bf16(NAN) & 0x7fff) == 0x7fc0);
}

TEST_CASE("integer operations at the edges") {
  CHECK(sem::sadd_sat::apply<u8>(100, 100) == 127);
  CHECK(sem::sadd_sat::apply<u8>(0x80, 0xff) == 0x80);
  CHECK(sem::ssub_sat::apply<u32>(0x80000000, 1) == 0x80000000);
  CHECK(sem::usub_sat::apply<u16>(1, 2) == 0);
  CHECK(sem::rotl::apply<u8>(0x81, 9) == 0x03);
  CHECK(sem::rotr::apply<u64>(1, 64) == 1);
  CHECK(sem::shl::apply<u32>(1, 33) == 2);
  CHECK(sem::ashr::apply<u16>(0x8000, 15) == 0xffff);
  CHECK(sem::smulh::apply<u64>(~u64{0}, ~u64{0}) == 0);
  CHECK(sem::umulh::apply<u64>(~u64{0}, ~u64{0}) == ~u64{1});
  CHECK(sem::mul::apply<u16>(0xffff, 0xffff) == 1);
  CHECK(sem::bswap::apply<u16>(0x1234) == 0x3412);
  CHECK(sem::bitreverse::apply<u8>(0x13) == 0xc8);
  CHECK(sem::ctlz::apply<u8>(1) == 7);
  CHECK(sem::cttz::apply<u16>(0) == 16);
  CHECK(sem::ctpop::apply<u64>(~u64{0}) == 64);
  CHECK(sem::fptosi<u32>(3e9) == 0x80000000);
  CHECK(sem::fptoui<u64>(1.8e19) == 18000000000000000000ull);
}

}  // namespace
