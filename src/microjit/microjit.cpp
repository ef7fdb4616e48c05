#include "microjit/microjit.h"

#include <cstring>

#include "microjit/interp/interp.h"
#include "microjit/tiers/baseline.h"
#include "runtime/side_log.h"

namespace bf::microjit {

FunctionState::FunctionState() = default;
FunctionState::~FunctionState() = default;

namespace {

constexpr i64 kNeverHot = i64{1} << 62;

void log(const Text& text) { side_log::write(text.view()); }

// Called by the interpreter where a function's heat is used up.
void on_hot(FunctionState& state) {
  state.heat = kNeverHot;  // once is enough, whatever comes of it
  state.engine->promote(state, Tier::Baseline);
}

void append_fixed(std::vector<u8>& out, std::initializer_list<u8> bytes, u64 address) {
  out.insert(out.end(), bytes);
  for (u32 i = 0; i < 8; ++i) out.push_back(static_cast<u8>(address >> (8 * i)));
}

// Every function's two small pieces of code, by hand:
//   stub   movabs r11, &slot; jmp [r11]                  its address as a value
//   entry  movabs r11, state; movabs rax, bridge; jmp rax  into the interpreter
constexpr u32 kStubBytes = 16, kEntryBytes = 32;

void append_entries(std::vector<u8>& out, const FunctionState& state) {
  const usize start = out.size();
  append_fixed(out, {0x49, 0xbb}, reinterpret_cast<u64>(&state.slot));
  for (const u8 byte : {0x41, 0xff, 0x23}) out.push_back(byte);
  out.resize(start + kStubBytes, 0xcc);
  append_fixed(out, {0x49, 0xbb}, reinterpret_cast<u64>(&state));
  append_fixed(out, {0x48, 0xb8}, reinterpret_cast<u64>(&interp::bf_interp_entry));
  for (const u8 byte : {0xff, 0xe0}) out.push_back(byte);
  out.resize(start + kStubBytes + kEntryBytes, 0xcc);
}

}  // namespace

bool parse_tier_policy(std::string_view text, TierPolicy& policy) {
  if (text == "auto") policy = TierPolicy::Auto;
  else if (text == "interp") policy = TierPolicy::Interp;
  else if (text == "baseline") policy = TierPolicy::Baseline;
  else return false;
  return true;
}

Engine::Engine(ir::Module module, CodeCache cache, const EngineOptions& options)
    : module_(std::move(module)), options_(options), cache_(std::move(cache)) {}

Engine::~Engine() {
  if (data_memory_) platform::free_pages(data_memory_, data_bytes_);
}

Result<std::unique_ptr<Engine>> Engine::create(ir::Module module,
                                               std::span<const NamedAddress> imports,
                                               const EngineOptions& options) {
  auto cache = CodeCache::create(options.code_bytes);
  if (!cache) return cache.error();
  std::unique_ptr<Engine> engine(new Engine(std::move(module), std::move(*cache), options));
  if (auto ok = engine->bind_imports(imports); !ok) return ok.error();
  if (auto ok = engine->lay_out_data(); !ok) return ok.error();
  if (auto ok = engine->make_entries(); !ok) return ok.error();
  engine->relocate_data();
  interp::set_hot_hook(on_hot);
  interp::set_decode_hook([](FunctionState& state) {
    Engine& e = *state.engine;
    state.code = interp::decode(e.module_, *state.function,
                                {e.function_pointers_.data(), e.imports_.data(), e.data_.data()});
  });
  if (options.policy == TierPolicy::Baseline)
    for (const auto& state : engine->functions_) engine->promote(*state, Tier::Baseline);
  return engine;
}

Result<void> Engine::bind_imports(std::span<const NamedAddress> imports) {
  for (const ir::Import& import : module_.imports) {
    const std::string_view name = module_.string(import.name);
    const void* address = nullptr;
    for (const NamedAddress& i : imports)
      if (i.name == name) address = i.address;
    if (!address)
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

Result<void> Engine::make_entries() {
  CompiledCode code;
  for (const ir::Function& f : module_.functions) {
    auto state = std::make_unique<FunctionState>();
    state->engine = this;
    state->function = &f;
    state->type = &module_.types[f.type];
    state->core = &profile_core_;
    state->profiled = options_.profile;
    state->heat = options_.policy == TierPolicy::Auto ? options_.heat_budget : kNeverHot;
    append_entries(code.bytes, *state);
    function_pointers_.push_back(state.get());
    functions_.push_back(std::move(state));
  }
  if (functions_.empty()) return {};
  auto base = install(code);
  if (!base) return base.error();
  const u8* at = *base;
  for (const auto& state : functions_) {
    state->stub = at;
    state->interp_entry = at + kStubBytes;
    state->slot.store(state->interp_entry, std::memory_order_release);
    at += kStubBytes + kEntryBytes;
  }
  return {};
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
    case RelocKind::Stub:
      return reinterpret_cast<u64>(functions_[r.index]->stub);
    case RelocKind::Import:
      return reinterpret_cast<u64>(imports_[r.index]);
    case RelocKind::Data:
      return reinterpret_cast<u64>(data_[r.index]) + static_cast<u64>(r.addend);
    case RelocKind::Profile:
      return reinterpret_cast<u64>(&functions_[r.index]->profile) + static_cast<u64>(r.addend);
    case RelocKind::ProfileCore:
      return reinterpret_cast<u64>(&profile_core_) + static_cast<u64>(r.addend);
    case RelocKind::Helper:
      return reinterpret_cast<u64>(helper_address(static_cast<Helper>(r.index)));
  }
  BF_UNREACHABLE("a relocation of no kind");
}

Result<const u8*> Engine::install(const CompiledCode& code) {
  return cache_.install(
      code,
      [](void* context, const CodeRelocation& r) { return static_cast<Engine*>(context)->resolve(r); },
      this);
}

bool Engine::promote(FunctionState& state, Tier tier) {
  BF_ASSERT(tier == Tier::Baseline);
  const std::string_view name = module_.name(*state.function);
  const u64 start = platform::ticks();
  auto code = compile_baseline(module_, *state.function,
                               {.features = options_.features, .profile = options_.profile});
  auto entry = code ? install(*code) : Result<const u8*>(code.error());
  const u64 ticks = platform::ticks() - start;
  Text text;
  if (!entry) {
    text.format("[jit] %.*s stays in %s: %s\n", static_cast<int>(name.size()), name.data(),
                kTierNames[static_cast<u8>(state.tier)], entry.error().message());
    if (options_.log) log(text);
    return false;
  }
  state.slot.store(*entry, std::memory_order_release);
  text.format("[jit] %.*s %s -> %s, ", static_cast<int>(name.size()), name.data(),
              kTierNames[static_cast<u8>(state.tier)], kTierNames[static_cast<u8>(tier)]);
  text.append_grouped(code->code_bytes);
  text.append(" bytes, ");
  text.append_decimal(ticks * 1000, platform::ticks_per_second(), 1);
  text.append(" ms\n");
  state.tier = tier;
  state.compile_ticks += ticks;
  state.code_bytes = code->code_bytes;
  if (options_.log) log(text);
  return true;
}

const void* Engine::address(std::string_view name) const {
  const i64 index = module_.find_function(name);
  return index < 0 ? nullptr : functions_[static_cast<usize>(index)]->stub;
}

u8* Engine::data(std::string_view name) const {
  for (usize i = 0; i < data_.size(); ++i)
    if (module_.string(module_.data[i].name) == name) return data_[i];
  return nullptr;
}

std::string_view Engine::describe(const void* address) const {
  const auto at = reinterpret_cast<u64>(address);
  for (const auto& state : functions_) {
    const auto entry = reinterpret_cast<u64>(state->slot.load(std::memory_order_acquire));
    if (state->tier != Tier::Interp && at >= entry && at < entry + state->code_bytes)
      return module_.name(*state->function);
  }
  return {};
}

}  // namespace bf::microjit
