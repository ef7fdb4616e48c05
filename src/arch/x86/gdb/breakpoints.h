// A debugger's breakpoints: instructions that are replaced by `int3` while the cores run, and the
// processor's debug registers (Intel SDM volume 3, 17.2), which every core loads for itself.
//
// While the cores are held nothing is replaced and nothing watched: neither does who reads memory see
// it, nor does the code stumble over it that talks to the debugger.
#pragma once

#include "arch/x86/gdb/target.h"

namespace bf::x86::gdb {

class Breakpoints {
 public:
  bool insert(Breakpoint kind, u64 address, u64 bytes);
  bool remove(Breakpoint kind, u64 address, u64 bytes);
  void remove_all();

  // Puts the instructions in, and takes them out again.
  void plant();
  void lift();
  // Whether there is one of the software's at the address.
  bool has_software(u64 address) const;

  // On the calling core: watches what is to be watched; nothing.
  void load() const;
  static void unload();

  // What the bits of DR6 mean; false if no breakpoint.
  bool find_hit(u64 dr6, Breakpoint& kind, u64& address) const;

 private:
  struct Software {
    u64 address = 0;
    u8 original = 0;
    bool is_used = false, is_planted = false;
  };
  struct Hardware {
    u64 address = 0, bytes = 0;
    Breakpoint kind = Breakpoint::Hardware;
    bool is_used = false;
  };
  static constexpr u32 kMostSoftware = 64, kMostHardware = 4;

  bool insert_software(u64 address);
  bool insert_hardware(Breakpoint kind, u64 address, u64 bytes);

  Software software_[kMostSoftware];
  Hardware hardware_[kMostHardware];
};

// Reads and clears the reason for a debug exception.
u64 take_debug_status();
inline constexpr u64 kDebugSingleStep = 1 << 14;

}  // namespace bf::x86::gdb
