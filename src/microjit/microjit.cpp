#include "microjit/microjit.h"

#include "microjit/autotuner.h"
#include "microjit/interp/interp.h"
#include "microjit/promotion.h"
#include "microjit/resume.h"

namespace bf::microjit {

FunctionState::FunctionState() = default;
FunctionState::~FunctionState() { delete code.load(std::memory_order_relaxed); }

Engine::Engine(ir::Module module, CodeCache cache, const EngineOptions& options)
    : module_(std::move(module)), options_(options), cache_(std::move(cache)) {}

Engine::~Engine() {
  stop_compilers();
  // Nobody runs the program any more: whoever has not answered the last round is outside.
  while (round_.running() && !round_.finished()) {
    quiescence::poll();
    round_.ask();
    platform::yield();
  }
  if (data_memory_) platform::free_pages(data_memory_, data_bytes_);
}

Result<std::unique_ptr<Engine>> Engine::create(ir::Module module,
                                               std::span<const NamedAddress> imports,
                                               const EngineOptions& options) {
  add_resume_types(module);
  auto cache = CodeCache::create(options.code_bytes);
  if (!cache) return cache.error();
  std::unique_ptr<Engine> engine(new Engine(std::move(module), std::move(*cache), options));
  if (auto ok = engine->bind_imports(imports); !ok) return ok.error();
  if (auto ok = engine->lay_out_data(); !ok) return ok.error();
  if (auto ok = engine->make_entries(); !ok) return ok.error();
  engine->relocate_data();
  engine->set_hooks();
  if (options.profile) measure_timing();
  if (const Tier first = starting_tier(options.policy); first != Tier::Interp)
    for (const auto& state : engine->functions_)
      if (!state->tuning) engine->promote(*state, first, TierReason::Policy);
  engine->start_compilers();
  return engine;
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

const Version* Engine::version_at(const void* address) const {
  for (const auto& state : functions_) {
    if (state->version && state->version->holds(address)) return state->version.get();
    if (!state->tuning) continue;
    for (const auto& variant : state->tuning->variants)
      for (const auto& candidate : variant->candidates)
        if (candidate->version && candidate->version->holds(address)) return candidate->version.get();
  }
  for (const auto* list : {&retired_, &in_round_})
    for (const auto& version : *list)
      if (version->holds(address)) return version.get();
  return nullptr;
}

std::string_view Engine::describe(const void* address, Tier* tier) const {
  const Version* const version = version_at(address);
  if (version == nullptr) return {};
  if (tier != nullptr) *tier = version->tier;
  return module_.name(*version->function->function);
}

bool Engine::times_a_call(const void* address) const {
  const Version* const version = version_at(address);
  return version != nullptr && version->timed_start != 0 &&
         address >= version->entry + version->timed_start;
}

std::string_view Engine::describe_state(const void* address) const {
  const auto* const byte = static_cast<const u8*>(address);
  for (const auto& state : functions_) {
    const auto* const start = reinterpret_cast<const u8*>(state.get());
    if (byte >= start && byte < start + sizeof *state) return module_.name(*state->function);
  }
  return {};
}

}  // namespace bf::microjit
