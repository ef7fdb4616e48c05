// The page tables: four levels, pages of 4 KiB, 2 MiB and 1 GiB (Intel SDM volume 3, 4.5).
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// What may be done with a page. There is no way to ask for writable and executable.
// Device is for registers: written and read, and never cached. Screen is for memory that is written
// and shown: writes are combined (start_memory_types() must have run on the core).
enum class Access : u8 { Read, ReadWrite, ReadExecute, Device, Screen };

// Tells the calling core what Access::Screen means.
void start_memory_types();

// Where fresh page frames for tables come from; 0 when there are none left.
using TakeFrame = u64 (*)();

class PageTable {
 public:
  // An empty table; false if there is no frame for it.
  [[nodiscard]] bool start(TakeFrame take_frame);

  // Maps whole pages, with the largest page size that fits; nothing may be mapped there yet. False
  // if memory for tables ran out.
  [[nodiscard]] bool map(u64 virtual_address, u64 physical_address, u64 bytes, Access access);

  // Makes whole pages that are mapped for reading or writing writable; large ones are split where
  // only a part is meant. False if memory for tables ran out.
  [[nodiscard]] bool allow_writing(u64 virtual_address, u64 bytes);

  // Whether something is mapped at an address.
  bool is_mapped(u64 virtual_address) const;

  // Makes this the processor's table.
  void load() const;

 private:
  u64* entry_for(u64 virtual_address, int level);
  bool split(u64& entry, int level);

  TakeFrame take_frame_ = nullptr;
  u64* root_ = nullptr;
  u64 no_execute_ = 0;  // the bit, or 0 on a processor without it
  bool has_1g_pages_ = false;
};

// What the live tables of this processor say of an address.
struct PageFacts {
  bool is_mapped = false;
  bool is_device = false;  // never cached
};
PageFacts look_up_page(u64 address);

// What a walk over the live tables of this processor found.
struct PageAudit {
  u64 read_bytes = 0;
  u64 write_bytes = 0;
  u64 execute_bytes = 0;
  u64 write_execute_pages = 0;    // must be 0
  u64 first_write_execute = 0;    // address of the first such page
  bool null_page_mapped = false;  // must be false
  u64 pages[3] = {};              // of 4 KiB, 2 MiB and 1 GiB
};
PageAudit audit_pages();

}  // namespace bf::x86
