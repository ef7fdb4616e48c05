// Disks behind NVMe controllers, polled. Numbers: NVM Express Base 1.4.
#include <algorithm>
#include <cstring>

#include "arch/x86/disks.h"
#include "arch/x86/memory.h"
#include "arch/x86/nvme_queue.h"
#include "arch/x86/pci_machine.h"
#include "arch/x86/print.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr usize kCapabilities = 0x00, kInterruptMask = 0x0c, kConfiguration = 0x14, kStatus = 0x1c,
                kAdminSizes = 0x24, kAdminSubmissions = 0x28, kAdminCompletions = 0x30,
                kDoorbells = 0x1000;
constexpr u32 kReady = 1, kDead = 2;
constexpr u64 kCommandTime = 30'000'000'000;
constexpr u32 kCompletionBytes = 16;
constexpr u64 kPage = platform::kPageBytes;
constexpr u64 kMostBytes = u64{1} << 20;  // one page of addresses has room for twice that

char* disk_name() {
  static u32 count = 0;
  auto* name = new char[16];
  std::snprintf(name, 16, "nvme%u", count++);
  return name;
}

struct NameSpace {
  u32 number = 0;
  u64 sectors = 0;
  u32 sector_bytes = 0;
};

}  // namespace

NvmeQueue::NvmeQueue(u8* registers, u32 number, u32 doorbell_bytes, u8* memory)
    : submission_doorbell_(registers + kDoorbells + u64{2} * number * doorbell_bytes),
      completion_doorbell_(submission_doorbell_ + doorbell_bytes),
      memory_(memory) {}

// 4.6: the phase of an entry changes with each round through the queue.
bool NvmeQueue::wait_for_answer(u64 nanoseconds) {
  const u8* const completion = memory_ + kCompletionsAt + answered_ % kEntries * kCompletionBytes;
  const u32 phase = 1 ^ (answered_ / kEntries & 1);
  const auto is_there = [&] { return (read_register<u32>(completion, 12) >> 16 & 1) == phase; };
  lost_ = !wait_for(nanoseconds, is_there);  // it may still write into memory
  asm volatile("" : : : "memory");
  return !lost_;
}

// The doorbells may not have been rung yet.
void NvmeQueue::settle() {
  constexpr u64 kLongest = 2'000'000'000;
  if (lost_) return;
  write_register<u32>(submission_doorbell_, 0, asked_ % kEntries);
  if (asked_ != answered_ && wait_for_answer(kLongest)) answered_ = answered_ + 1;
  write_register<u32>(completion_doorbell_, 0, answered_ % kEntries);
}

Result<void> NvmeQueue::run(const Command& c) {
  constexpr u32 kCommandBytes = 64;
  if (lost_) return Error::format("it does not answer any more");
  u32 words[16] = {c.opcode | (asked_ & 0xffff) << 16, c.name_space};
  std::memcpy(&words[6], &c.memory, 8);
  std::memcpy(&words[8], &c.memory2, 8);
  std::memcpy(&words[10], c.words, sizeof c.words);
  std::memcpy(memory_ + asked_ % kEntries * kCommandBytes, words, kCommandBytes);
  asm volatile("" : : : "memory");  // the command before the doorbell
  asked_ = asked_ + 1;
  write_register<u32>(submission_doorbell_, 0, asked_ % kEntries);

  const u8* const completion = memory_ + kCompletionsAt + answered_ % kEntries * kCompletionBytes;
  if (!wait_for_answer(kCommandTime)) return Error::format("no answer");
  const u32 status = read_register<u32>(completion, 12) >> 17;
  answered_ = answered_ + 1;
  write_register<u32>(completion_doorbell_, 0, answered_ % kEntries);
  if ((status & 0x7ff) == 0) return {};
  return Error::format("status %u of type %u", status & 0xff, status >> 8 & 7);
}

namespace {

class NvmeDisk final : public DmaDisk {
 public:
  // The queue is shared by the name spaces of a controller.
  NvmeDisk(NvmeQueue* queue, const NameSpace& n, u64* list, u64 most_bytes)
      : DmaDisk({.name = disk_name(),
                 .sector_bytes = n.sector_bytes,
                 .sector_count = n.sectors,
                 .writable = true,
                 .buffer_alignment = 4},
                {.most_bytes = most_bytes}),
        queue_(queue),
        number_(n.number),
        list_(list) {
    std::snprintf(description_, sizeof description_, "NVMe");
  }
  void settle() override { queue_->settle(); }

 private:
  Result<void> transfer(Way way, u64 first, u64 memory, u32 sectors) override {
    NvmeQueue::Command command;
    command.opcode = way == Way::Write ? 1 : 2;
    command.words[0] = static_cast<u32>(first);
    command.words[1] = static_cast<u32>(first >> 32);
    command.words[2] = sectors - 1;
    set_memory(command, memory, u64{sectors} * sector_bytes());
    return run(command, way == Way::Write ? "a write" : "a read", first);
  }
  Result<void> flush_cache() override { return run({}, "a flush", 0); }

  // 4.3: the first page by itself, the second one too if it is the last, or else a list of them.
  void set_memory(NvmeQueue::Command& command, u64 memory, u64 bytes) {
    command.memory = memory;
    const u64 end = memory + bytes;
    const u64 second = memory / kPage * kPage + kPage;
    if (end <= second) return;
    command.memory2 = second;
    if (end <= second + kPage) return;
    u32 count = 0;
    for (u64 page = second; page < end; page += kPage) list_[count++] = page;
    command.memory2 = reinterpret_cast<u64>(list_);
  }

  Result<void> run(NvmeQueue::Command command, const char* what, u64 sector) {
    command.name_space = number_;
    auto done = queue_->run(command);
    if (done) return done;
    return Error::format("%s: %s at sector %lu failed: %s", name(), what, sector,
                         done.error().message());
  }

  NvmeQueue* const queue_;
  const u32 number_;
  u64* const list_;
};

class Controller {
 public:
  explicit Controller(u8* registers, usize register_bytes)
      : registers_(registers), register_bytes_(register_bytes) {}

  Result<void> start(DiskList& disks) {
    const u64 capabilities = read_register<u32>(registers_, kCapabilities) |
                             u64{read_register<u32>(registers_, kCapabilities + 4)} << 32;
    const u32 doorbell_bytes = 4u << (capabilities >> 32 & 15);
    ready_time_ = std::max<u64>(capabilities >> 24 & 0xff, 2) * 500'000'000;
    if ((capabilities & 0xffff) + 1 < NvmeQueue::kEntries || (capabilities >> 48 & 15) != 0 ||
        kDoorbells + u64{4} * doorbell_bytes > register_bytes_)
      return Error::format("it is of an unusual kind");
    u8* const memory = static_cast<u8*>(take_pages(2 * NvmeQueue::kMemoryBytes + 2 * kPage));
    if (memory == nullptr) return Error::format("there is no memory for it");
    std::memset(memory, 0, 2 * NvmeQueue::kMemoryBytes + 2 * kPage);
    admin_ = NvmeQueue(registers_, 0, doorbell_bytes, memory);
    queue_ = new NvmeQueue(registers_, 1, doorbell_bytes, memory + NvmeQueue::kMemoryBytes);
    answer_ = memory + 2 * NvmeQueue::kMemoryBytes;
    list_ = reinterpret_cast<u64*>(answer_ + kPage);
    if (auto done = enable(); !done) return done;
    if (auto done = make_queues(); !done) return done;
    return add_name_spaces(capabilities, disks);
  }

 private:
  bool becomes(u32 ready) {
    return wait_for(ready_time_,
                    [&] { return (read_register<u32>(registers_, kStatus) & kReady) == ready; });
  }

  // 7.6.1.
  Result<void> enable() {
    constexpr u32 kEnable = 1, kEntrySizes = 6 << 16 | 4 << 20;  // 64 and 16 bytes
    write_register<u32>(registers_, kConfiguration,
                        read_register<u32>(registers_, kConfiguration) & ~kEnable);
    if (!becomes(0)) return Error::format("it cannot be stopped");
    const auto put = [&](usize at, const u8* queue) {
      const u64 address = reinterpret_cast<u64>(queue);
      write_register<u32>(registers_, at, static_cast<u32>(address));
      write_register<u32>(registers_, at + 4, static_cast<u32>(address >> 32));
    };
    write_register<u32>(registers_, kInterruptMask, ~u32{0});
    write_register<u32>(registers_, kAdminSizes, (NvmeQueue::kEntries - 1) * 0x10001);
    put(kAdminSubmissions, admin_.memory());
    put(kAdminCompletions, admin_.memory() + NvmeQueue::kCompletionsAt);
    write_register<u32>(registers_, kConfiguration, kEntrySizes | kEnable);
    if (!becomes(kReady) || (read_register<u32>(registers_, kStatus) & kDead) != 0)
      return Error::format("it does not become ready");
    return {};
  }

  // 5.3 and 5.4: completions first, both contiguous, without interrupts.
  Result<void> make_queues() {
    constexpr u32 kNumber = 1, kSize = (NvmeQueue::kEntries - 1) << 16;
    const u64 memory = reinterpret_cast<u64>(queue_->memory());
    auto done = admin_.run(
        {.opcode = 5, .memory = memory + NvmeQueue::kCompletionsAt, .words = {kNumber | kSize, 1}});
    if (!done) return done;
    return admin_.run(
        {.opcode = 1, .memory = memory, .words = {kNumber | kSize, 1 | kNumber << 16}});
  }

  Result<void> identify(u32 what, u32 name_space) {
    return admin_.run({.opcode = 6,
                       .name_space = name_space,
                       .memory = reinterpret_cast<u64>(answer_),
                       .words = {what}});
  }

  // 5.15.2: of the controller, of what name spaces there are, and of each.
  Result<void> add_name_spaces(u64 capabilities, DiskList& disks) {
    constexpr usize kMostTransfer = 77, kListEntries = 16;
    if (auto done = identify(1, 0); !done) return done;
    const u32 shift = answer_[kMostTransfer];
    const u64 unit = kPage << (capabilities >> 48 & 15);
    const u64 most = shift == 0 || shift > 20 ? kMostBytes : std::min(kMostBytes, unit << shift);
    if (auto done = identify(2, 0); !done) return done;
    u32 numbers[kListEntries];
    std::memcpy(numbers, answer_, sizeof numbers);
    for (const u32 number : numbers) {
      if (number == 0) break;
      if (auto done = identify(0, number); !done) return done;
      const NameSpace n = read_name_space(number);
      const bool usual = n.sectors != 0 && n.sectors < u64{1} << 51 && n.sector_bytes != 0;
      if (usual)
        disks.push_back(new NvmeDisk(queue_, n, list_, most));
      else
        print("[disk] NVMe name space %u cannot be used\n", number);
    }
    return {};
  }

  // Figure 245; sectors with metadata are left alone.
  NameSpace read_name_space(u32 number) const {
    NameSpace n = {.number = number};
    std::memcpy(&n.sectors, answer_, 8);
    u32 format;
    std::memcpy(&format, answer_ + 128 + 4 * (answer_[26] & 15), 4);
    const u32 shift = format >> 16 & 0xff;
    if ((format & 0xffff) == 0 && shift >= 9 && shift <= 12) n.sector_bytes = 1u << shift;
    return n;
  }

  u8* const registers_;
  const usize register_bytes_;
  u64 ready_time_ = 0;
  NvmeQueue admin_;
  NvmeQueue* queue_ = nullptr;
  u8* answer_ = nullptr;
  u64* list_ = nullptr;
};

}  // namespace

void add_nvme_disks(const pci::Function& function, DiskList& disks) {
  constexpr usize kLeastBytes = 0x2000;
  if (!function.is(0x01, 0x08, 0x02)) return;
  u8* const registers = pci::map_registers(function, 0, kLeastBytes);
  if (registers == nullptr) return;
  Controller controller(registers, pci::read_bar(pci::config(), function.at, 0).bytes);
  if (auto done = controller.start(disks); !done)
    print("[disk] an NVMe controller cannot be used: %s\n", done.error().message());
}

}  // namespace bf::x86
