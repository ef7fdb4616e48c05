#include "arch/x86/cmos.h"

namespace bf::x86 {

DateAndTime decode_cmos(const CmosClock& c) {
  constexpr u8 kBinary = 1 << 2, k24Hours = 1 << 1, kAfternoon = 1 << 7;
  const auto number = [&](u8 value) -> u32 {
    return (c.status_b & kBinary) != 0 ? value : value / 16 * 10u + value % 16u;
  };
  DateAndTime d;
  d.second = number(c.second);
  d.minute = number(c.minute);
  if ((c.status_b & k24Hours) != 0)
    d.hour = number(c.hour);
  else
    d.hour = number(c.hour & ~kAfternoon) % 12 + ((c.hour & kAfternoon) != 0 ? 12 : 0);
  d.day = number(c.day);
  d.month = number(c.month);
  const u32 year = number(c.year);
  d.year = c.century != 0 ? number(c.century) * 100 + year : year + (year >= 70 ? 1900 : 2000);
  return d;
}

}  // namespace bf::x86
