// What the shell's words (runtime/shell/) need of this machine.
#pragma once

namespace bf::boot {

// Provides /mem, /cpu, /disks, /model, /save, /reboot and /poweroff. After find_model().
void provide_machine_words();

}  // namespace bf::boot
