#include "runtime/calendar.h"

#include <catch2/catch.hpp>
#include <ctime>

#include "arch/x86/cmos.h"

using namespace bf;

namespace {

bool same(const DateAndTime& a, const DateAndTime& b) {
  return a.year == b.year && a.month == b.month && a.day == b.day && a.hour == b.hour &&
         a.minute == b.minute && a.second == b.second;
}

}  // namespace

TEST_CASE("calendar: the C library's dates, there and back") {
  for (u64 seconds = 0; seconds < 16'000'000'000; seconds += 86'399 * 7) {
    const DateAndTime date = date_of(seconds);
    const auto when = static_cast<time_t>(seconds);
    tm expected;
    gmtime_r(&when, &expected);
    REQUIRE(same(date, {static_cast<u32>(expected.tm_year + 1900),
                        static_cast<u32>(expected.tm_mon + 1), static_cast<u32>(expected.tm_mday),
                        static_cast<u32>(expected.tm_hour), static_cast<u32>(expected.tm_min),
                        static_cast<u32>(expected.tm_sec)}));
    REQUIRE(is_date(date));
    REQUIRE(seconds_since_1970(date) == seconds);
  }
}

TEST_CASE("calendar: what is no date") {
  CHECK(is_date({2024, 2, 29}));
  CHECK(is_date({2000, 2, 29}));
  CHECK_FALSE(is_date({2023, 2, 29}));
  CHECK_FALSE(is_date({2100, 2, 29}));
  CHECK_FALSE(is_date({2024, 0, 1}));
  CHECK_FALSE(is_date({2024, 13, 1}));
  CHECK_FALSE(is_date({2024, 4, 31}));
  CHECK_FALSE(is_date({1969, 12, 31}));
  CHECK_FALSE(is_date({2024, 1, 1, 24, 0, 0}));
  CHECK_FALSE(is_date({2024, 1, 1, 0, 60, 0}));
}

TEST_CASE("cmos: binary and packed decimals, 12 and 24 hours, with and without a century") {
  using x86::decode_cmos;
  constexpr u8 kBinary = 4, k24Hours = 2;
  CHECK(same(decode_cmos({0x56, 0x34, 0x12, 0x29, 0x02, 0x24, 0x20, k24Hours}),
             {2024, 2, 29, 12, 34, 56}));
  CHECK(same(decode_cmos({56, 34, 23, 29, 2, 24, 20, kBinary | k24Hours}),
             {2024, 2, 29, 23, 34, 56}));
  CHECK(same(decode_cmos({0, 0, 0x12, 1, 1, 0x99, 0, 0}), {1999, 1, 1, 0, 0, 0}));     // midnight
  CHECK(same(decode_cmos({0, 0, 0x92, 1, 1, 0x69, 0, 0}), {2069, 1, 1, 12, 0, 0}));    // noon
  CHECK(same(decode_cmos({0, 0, 0x91, 1, 1, 0x70, 0, 0}), {1970, 1, 1, 23, 0, 0}));
  CHECK_FALSE(is_date(decode_cmos({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})));
  CHECK_FALSE(is_date(decode_cmos({0, 0, 0, 0, 0, 0, 0, 0})));
}
