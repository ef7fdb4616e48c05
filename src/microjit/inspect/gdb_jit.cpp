#include "microjit/inspect/gdb_jit.h"

#include "microjit/inspect/debug_object.h"

// Names and layout are GDB's.
extern "C" {
struct jit_code_entry {
  jit_code_entry* next_entry;
  jit_code_entry* prev_entry;
  const char* symfile_addr;
  bf::u64 symfile_size;
};
struct jit_descriptor {
  bf::u32 version;
  bf::u32 action_flag;
  jit_code_entry* relevant_entry;
  jit_code_entry* first_entry;
};
[[gnu::noinline, gnu::used]] void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
[[gnu::used]] jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
}

namespace bf::microjit {

namespace {

constexpr u32 kRegister = 1, kUnregister = 2;

void tell(u32 action, jit_code_entry* entry) {
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_descriptor.relevant_entry = entry;
  __jit_debug_register_code();
}

}  // namespace

struct GdbJit::Entry {
  jit_code_entry link = {};
  std::vector<u8> object;
  const u8* code = nullptr;
};

GdbJit::GdbJit() = default;

GdbJit::~GdbJit() {
  for (auto& entry : entries_) tell(kUnregister, &entry->link);
  __jit_debug_descriptor.first_entry = nullptr;
}

void GdbJit::added(const ir::Module& module, const Version& version) {
  auto entry = std::make_unique<Entry>();
  entry->object = make_debug_object(module, version);
  entry->code = version.entry;
  jit_code_entry& link = entry->link;
  link.symfile_addr = reinterpret_cast<const char*>(entry->object.data());
  link.symfile_size = entry->object.size();
  link.next_entry = __jit_debug_descriptor.first_entry;
  if (link.next_entry) link.next_entry->prev_entry = &link;
  __jit_debug_descriptor.first_entry = &link;
  tell(kRegister, &link);
  entries_.push_back(std::move(entry));
}

void GdbJit::removed(const Version& version) {
  usize i = 0;
  while (i < entries_.size() && entries_[i]->code != version.entry) ++i;
  if (i == entries_.size()) return;
  jit_code_entry& link = entries_[i]->link;
  (link.prev_entry ? link.prev_entry->next_entry : __jit_debug_descriptor.first_entry) = link.next_entry;
  if (link.next_entry) link.next_entry->prev_entry = link.prev_entry;
  tell(kUnregister, &link);
  std::swap(entries_[i], entries_.back());
  entries_.pop_back();
}

}  // namespace bf::microjit
