// The end of the log, for reports of faults: where the log went may be somewhere else, or nowhere.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

// What is written to the log. From hold_last_lines() on it is forgotten: that is the report itself.
void keep_last_lines(std::string_view bytes);
void hold_last_lines();

// Prints them, most recent last.
void print_last_lines();

}  // namespace bf::x86
