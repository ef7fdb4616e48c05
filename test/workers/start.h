// Programs that run on several cores start here: the first word is THREADS, or there are 2.
#pragma once

#include <string>

#include "arch/host/command_line.h"

namespace test {

inline void start(const char* name, int count, char** words) {
  const std::string threads = std::string("threads=") + (count > 1 ? words[1] : "2");
  const char* const arguments[] = {name, "--option", threads.c_str()};
  bf::host::start(3, arguments);
}

}  // namespace test
