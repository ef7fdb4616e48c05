// Dates of the Gregorian calendar, in Coordinated Universal Time.
//
//   u64 seconds = seconds_since_1970({2024, 2, 29, 12, 0, 0});
//   DateAndTime date = date_of(seconds);
#pragma once

#include "runtime/base.h"

namespace bf {

struct DateAndTime {
  u32 year = 1970, month = 1, day = 1;  // month and day from 1
  u32 hour = 0, minute = 0, second = 0;
};

// From 1970 on; what is no date (a 30th of February) gives some number.
u64 seconds_since_1970(const DateAndTime& date);
DateAndTime date_of(u64 seconds_since_1970);

// Whether it is a date from 1970 to 9999.
bool is_date(const DateAndTime& date);

}  // namespace bf
