// Tests of the kernel inside the kernel; selftests.def lists them.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::boot {

// Runs one test; its exit status: 0 good, 1 failed, 2 no test of this name. Many do not come back,
// because the fault they provoke ends the machine.
i32 run_selftest(std::string_view name);

// Those of selftest_cores.cpp.
i32 selftest_cores();
i32 selftest_fault_on_core();

// Those of selftest_faults.cpp.
i32 selftest_exceptions();
i32 selftest_fault_at_disk();

// That of selftest_disks.cpp.
i32 selftest_disks();

// That of selftest_plug.cpp.
i32 selftest_plug();

}  // namespace bf::boot
