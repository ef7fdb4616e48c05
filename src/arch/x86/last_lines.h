// The end of the log, for reports of faults: where the log went may be somewhere else, or nowhere.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

// What is written to the log. What comes from hold_last_lines() on is the report itself, and is kept
// as such.
void keep_last_lines(std::string_view bytes);
void hold_last_lines();

// The report as it was printed so far, from its beginning.
std::string_view report_text();
// It is done: from now on the log is the log again.
void forget_report();

// Prints them, most recent last.
void print_last_lines();

}  // namespace bf::x86
