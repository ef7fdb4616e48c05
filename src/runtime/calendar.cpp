#include "runtime/calendar.h"

namespace bf {

namespace {

// Years begin in March here, so that the leap day is a year's last, and are counted in eras of 400
// years, which all have the same days (Howard Hinnant, "chrono-compatible low-level date algorithms").
constexpr u64 kDaysPerEra = 146'097, kDaysTo1970 = 719'468;  // from the 1st of March of year 0

u32 days_of_month(const DateAndTime& d) {
  constexpr u32 kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = d.year % 4 == 0 && (d.year % 100 != 0 || d.year % 400 == 0);
  return kDays[d.month - 1] + (d.month == 2 && leap ? 1 : 0);
}

}  // namespace

u64 seconds_since_1970(const DateAndTime& d) {
  const u64 year = d.month > 2 ? d.year : d.year - 1;
  const u64 month = (d.month + 9) % 12;  // 0 is March
  const u64 of_era = year % 400;
  const u64 of_year = (153 * month + 2) / 5 + d.day - 1;
  const u64 days = year / 400 * kDaysPerEra + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
  return ((days - kDaysTo1970) * 24 + d.hour) * 3600 + d.minute * u64{60} + d.second;
}

DateAndTime date_of(u64 seconds) {
  const u64 days = seconds / 86'400 + kDaysTo1970;
  const u64 day = days % kDaysPerEra;
  const u64 year = (day - day / 1460 + day / 36'524 - day / 146'096) / 365;
  const u64 of_year = day - (365 * year + year / 4 - year / 100);
  const u64 month = (5 * of_year + 2) / 153;  // 0 is March
  DateAndTime d;
  d.day = static_cast<u32>(of_year - (153 * month + 2) / 5 + 1);
  d.month = static_cast<u32>(month < 10 ? month + 3 : month - 9);
  d.year = static_cast<u32>(year + days / kDaysPerEra * 400 + (d.month <= 2 ? 1 : 0));
  d.hour = static_cast<u32>(seconds / 3600 % 24);
  d.minute = static_cast<u32>(seconds / 60 % 60);
  d.second = static_cast<u32>(seconds % 60);
  return d;
}

bool is_date(const DateAndTime& d) {
  return d.year >= 1970 && d.year <= 9999 && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
         d.day <= days_of_month(d) && d.hour < 24 && d.minute < 60 && d.second < 60;
}

}  // namespace bf
