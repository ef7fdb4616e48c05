// Loading a module: imports and data get their addresses, functions their slots and entries.
#include <cstring>

#include "microjit/entries.h"
#include "microjit/microjit.h"

namespace bf::microjit {

namespace {

// A call, where `unreachable` would promise the passes that nobody comes by.
[[noreturn]] void trap() { __builtin_trap(); }

}  // namespace

const void* engine_import(std::string_view name) {
  return name == "bf_trap" ? reinterpret_cast<const void*>(&trap) : nullptr;
}

Result<void> Engine::bind_imports(std::span<const NamedAddress> imports) {
  for (const ir::Import& import : module_.imports) {
    const std::string_view name = module_.string(import.name);
    const void* address = engine_import(name);
    for (const NamedAddress& i : imports)
      if (i.name == name) address = i.address;
    if (!address && !import.is_weak)
      return Error::format("the program asks for '%.*s', which is not part of the program ABI: "
                           "build program and engine from the same sources",
                           static_cast<int>(name.size() < 80 ? name.size() : 80), name.data());
    imports_.push_back(address);
  }
  return {};
}

Result<void> Engine::lay_out_data() {
  constexpr usize kCacheLine = 64;
  usize bytes = 0;
  for (const ir::Data& d : module_.data) {
    const usize align = usize{1} << d.align_log2;
    bytes = align_up(bytes, align < kCacheLine && d.size >= kCacheLine ? kCacheLine : align) + d.size;
  }
  data_bytes_ = align_up(bytes + 1, platform::kPageBytes);
  data_memory_ = static_cast<u8*>(platform::allocate_pages(data_bytes_));
  if (!data_memory_)
    return Error::format("not enough memory for the program's %llu bytes of data: give the machine more",
                         static_cast<unsigned long long>(data_bytes_));
  usize at = 0;
  for (const ir::Data& d : module_.data) {
    const usize align = usize{1} << d.align_log2;
    at = align_up(at, align < kCacheLine && d.size >= kCacheLine ? kCacheLine : align);
    data_.push_back(data_memory_ + at);
    if (!d.bytes.empty()) std::memcpy(data_memory_ + at, d.bytes.data(), d.bytes.size());
    at += d.size;
  }
  return {};
}

// Slots, entries and countdowns of functions that have their IR.
Result<void> Engine::set_up(std::span<FunctionState* const> states) {
  CompiledCode code;
  for (FunctionState* const state : states) {
    state->engine = this;
    state->type = &module_.types[state->function->type];
    state->profiled = options_.profile;
    if (options_.policy == TierPolicy::Auto) start_countdown(*state, options_.thresholds);
    else state->heat = kNeverHot;
    append_entries(code.bytes, *state);
  }
  for (FunctionState* const state : states) {
    make_tuning(*state);
    if (state->tuning) append_kernel_entry(code.bytes, *state);
  }
  if (states.empty()) return {};
  auto base = install(code);
  if (!base) return base.error();
  const u8* at = *base;
  const u8* kernel_entry = at + states.size() * (kStubBytes + kEntryBytes);
  for (FunctionState* const state : states) {
    state->stub = at;
    state->interp_entry = at + kStubBytes;
    at += kStubBytes + kEntryBytes;
    state->first_entry = state->tuning ? kernel_entry : state->interp_entry;
    if (state->tuning) kernel_entry += kKernelEntryBytes;
    state->slot.store(state->first_entry.load(), std::memory_order_release);
    state->generic_slot.store(state->first_entry.load(), std::memory_order_release);
  }
  return {};
}

Result<void> Engine::make_entries() {
  reserve_continuations();
  for (const ir::Function& f : module_.functions) {
    functions_.push_back(std::make_unique<FunctionState>());
    functions_.back()->function = &f;
    function_pointers_.push_back(functions_.back().get());
  }
  return set_up(function_pointers_);
}

// One more function while the program runs; null if there is no room for its entries.
FunctionState* Engine::add_function(std::unique_ptr<FunctionState> state) {
  FunctionState* const added = state.get();
  if (!set_up({&added, 1})) return nullptr;
  functions_.push_back(std::move(state));
  function_pointers_.push_back(added);
  return added;
}

void Engine::relocate_data() {
  for (usize i = 0; i < module_.data.size(); ++i)
    for (const ir::Relocation& r : module_.data[i].relocations) {
      const u64 target = r.target == ir::Target::Data ? reinterpret_cast<u64>(data_[r.index])
                         : r.target == ir::Target::Function
                             ? reinterpret_cast<u64>(functions_[r.index]->stub)
                             : reinterpret_cast<u64>(imports_[r.index]);
      const u64 value = target + static_cast<u64>(r.addend);
      std::memcpy(data_[i] + r.offset, &value, 8);
    }
}

u64 Engine::resolve(const CodeRelocation& r) const {
  switch (r.kind) {
    case RelocKind::Slot:
      return reinterpret_cast<u64>(&functions_[r.index]->slot);
    case RelocKind::GenericSlot:
      return reinterpret_cast<u64>(&functions_[r.index]->generic_slot);
    case RelocKind::FirstEntry:
      return reinterpret_cast<u64>(&functions_[r.index]->first_entry);
    case RelocKind::GuardFailures:
      return reinterpret_cast<u64>(&functions_[r.index]->guard_failures);
    case RelocKind::Stub:
      return reinterpret_cast<u64>(functions_[r.index]->stub);
    case RelocKind::Import:
      return reinterpret_cast<u64>(imports_[r.index]);
    case RelocKind::Data:
      return reinterpret_cast<u64>(data_[r.index]) + static_cast<u64>(r.addend);
    case RelocKind::Profile:
      return reinterpret_cast<u64>(&functions_[r.index]->profile) + static_cast<u64>(r.addend);
    case RelocKind::Heat:
      return reinterpret_cast<u64>(&functions_[r.index]->heat);
    case RelocKind::State:
      return reinterpret_cast<u64>(functions_[r.index].get());
    case RelocKind::Helper:
      return reinterpret_cast<u64>(helper_address(static_cast<Helper>(r.index)));
    case RelocKind::Code:
      break;  // the code cache knows
  }
  BF_UNREACHABLE("a relocation of no kind");
}

Result<const u8*> Engine::install(const CompiledCode& code) {
  return cache_.install(
      code,
      [](void* context, const CodeRelocation& r) { return static_cast<Engine*>(context)->resolve(r); },
      this);
}

}  // namespace bf::microjit
