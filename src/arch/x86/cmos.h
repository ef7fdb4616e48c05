// The clock that runs on a battery (Motorola MC146818 and its successors).
#pragma once

#include <span>

#include "runtime/calendar.h"

namespace bf::x86 {

// Its registers, as they were all read between two of its ticks.
struct CmosClock {
  u8 second, minute, hour, day, month, year, century;
  u8 status_b;
};

// What they mean; the date may be none (is_date). Without a century (0) years from 70 on are of the
// last one.
DateAndTime decode_cmos(const CmosClock& clock);

// The register of the century, as ACPI says; 0: there is none.
void set_century_register(u8 number);

}  // namespace bf::x86
