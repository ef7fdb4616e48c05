// What a debugger asks for, and what it is answered: the commands of GDB's remote protocol, on a Target.
// Packets may be any bytes.
//
//   Commands commands(target);
//   commands.stopped({.thread = 1, .signal = kTrap});
//   switch (commands.handle(packet)) {
//     case Commands::Then::Answer: send(commands.answer()); break;
//     case Commands::Then::Resume: resume(commands.resumption()); break;     // answered when it stops
//     ...
//   }
#pragma once

#include <string_view>

#include "arch/x86/gdb/packets.h"
#include "arch/x86/gdb/target.h"

namespace bf::x86::gdb {

// GDB's numbers of signals.
enum Signal : u8 { kInterrupt = 2, kIllegal = 4, kTrap = 5, kAbort = 6, kArithmetic = 8, kBus = 10, kSegment = 11 };

struct Stop {
  u32 thread = 1;
  Signal signal = kTrap;
  bool at_breakpoint = false;  // of the kind and, where it watches memory, at the address
  Breakpoint kind = Breakpoint::Software;
  u64 address = 0;
};

// Which threads go on, a bit each, from thread 1 on; others stay where they are.
struct Resumption {
  u64 run = 0;
  u64 step = 0;  // by one instruction
};

class Commands {
 public:
  enum class Then : u8 { Answer, Resume, Detach, Kill };

  explicit Commands(Target& target) : target_(target) {}

  // The threads stand still, and that is why.
  void stopped(const Stop& stop);
  // What a debugger that waits for it is told of that.
  std::string_view stop_text();

  // Detach comes with an answer, too.
  Then handle(std::string_view packet);
  // Good until the next packet.
  std::string_view answer() const { return {answer_, size_}; }
  const Resumption& resumption() const { return resumption_; }
  // Whether packets are still acknowledged; a debugger that can rely on its line asks not to.
  bool acknowledges() const { return acknowledges_; }
  // A debugger that comes anew begins with that.
  void start_over() { acknowledges_ = true; }

 private:
#define BF_GDB_COMMAND(text, match, function) Then function(std::string_view arguments);
#include "arch/x86/gdb/commands.def"
#undef BF_GDB_COMMAND

  Then ok() { return say("OK"); }
  Then fail(u32 number);  // E and the number, errno's where one fits
  Then say(std::string_view text);
  void put(std::string_view text);
  void put(char c);
  void put_hex(u64 number);                     // as few digits as it takes
  void put_bytes(std::span<const u8> bytes);    // two digits each
  void put_register(u32 thread, u32 number);
  u32 register_count() { return target_.has_avx() ? u32{kRegisterCount} : u32{k_ymm0h}; }
  bool is_thread(u64 thread) { return thread >= 1 && thread <= target_.thread_count(); }
  u64 all_threads();
  Then go(std::string_view arguments, u64 Resumption::*how);
  Then change_breakpoint(std::string_view arguments, bool (Target::*change)(Breakpoint, u64, u64));
  bool add_action(std::string_view action, u64& decided);
  void put_stop();

  Target& target_;
  Stop stop_;
  u32 thread_ = 1;         // of registers
  u32 running_thread_ = 0; // of c and s; 0: all
  Resumption resumption_;
  bool acknowledges_ = true;
  char answer_[kMostPacketBytes];
  usize size_ = 0;
};

}  // namespace bf::x86::gdb
