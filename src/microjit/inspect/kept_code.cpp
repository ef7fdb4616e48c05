#include "microjit/inspect/kept_code.h"

#include "microjit/inspect/disassemble.h"

namespace bf::microjit {

KeptCode::KeptCode(std::string_view which, const Sampler* sampler) : sampler_(sampler) {
  // C++ names have no @.
  const usize at = which.find('@');
  name_ = which.substr(0, at);
  if (at != which.npos) tier_ = which.substr(at + 1);
}

void KeptCode::added(const ir::Module& module, const Version& version) {
  if (module.name(*version.function->function) != name_) return;
  if (!tier_.empty() && tier_ != tier_name(version.tier)) return;
  versions_.push_back(
      {version, {version.entry, version.entry + version.code_bytes}, now(), 0, false});
}

void KeptCode::removed(const Version& version) {
  for (Kept& kept : versions_) {
    if (kept.gone || kept.version.entry != version.entry) continue;
    kept.last_sample = now();
    kept.gone = true;
  }
}

Result<void> KeptCode::list(const ir::Module& module, Text& text) const {
  if (versions_.empty()) return Error::format("no tier has compiled a function of that name");
  for (const Kept& kept : versions_) {
    Samples samples;
    if (sampler_) {
      const usize last = kept.gone ? kept.last_sample : now();
      samples = {sampler_->addresses().subspan(kept.first_sample, last - kept.first_sample),
                 sampler_->ticks_each()};
    }
    if (auto ok = disassemble(module, kept.version, kept.code, samples, text); !ok) return ok;
  }
  return {};
}

}  // namespace bf::microjit
