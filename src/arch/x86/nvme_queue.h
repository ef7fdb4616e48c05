// A pair of queues of an NVMe controller with one command in it at a time, waited for by asking.
// Numbers: NVM Express Base 1.4, 3.1 (registers), 4 (queues).
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

class NvmeQueue {
 public:
  static constexpr u32 kEntries = 4;
  // Both queues lie in this much memory, aligned to it, zeroed.
  static constexpr usize kMemoryBytes = 8192, kCompletionsAt = 4096;

  struct Command {
    u32 opcode = 0;
    u32 name_space = 0;
    u64 memory = 0;     // PRP 1
    u64 memory2 = 0;    // PRP 2
    u32 words[6] = {};  // from word 10 on
  };

  NvmeQueue() = default;
  NvmeQueue(u8* registers, u32 number, u32 doorbell_bytes, u8* memory);

  Result<void> run(const Command& command);
  // Waits for the end of a command that run() did not come back from.
  void settle();
  u8* memory() const { return memory_; }

 private:
  u8* submission_doorbell_ = nullptr;
  u8* completion_doorbell_ = nullptr;
  u8* memory_ = nullptr;
  bool wait_for_answer(u64 nanoseconds);

  // Commands altogether: where they are in the queues follows from it, so that there is no state in
  // between for settle() to find.
  volatile u32 asked_ = 0, answered_ = 0;
  bool lost_ = false;
};

}  // namespace bf::x86
