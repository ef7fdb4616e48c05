// Keeps a copy of every version of a function, with the time it was there, so that all of them can
// be listed when the program has ended. On hosts only.
//
//   KeptCode kept("matmul@opt", &sampler);   // or "matmul": of every tier; without a sampler: no
//   cycles options.observers.push_back(&kept);
//   ... run ...
//   if (auto ok = kept.list(engine.module(), text); !ok) ...
#pragma once

#include <string>
#include <vector>

#include "microjit/inspect/code_observer.h"
#include "microjit/inspect/sampler.h"
#include "runtime/text.h"

namespace bf::microjit {

class KeptCode final : public CodeObserver {
 public:
  explicit KeptCode(std::string_view which, const Sampler* sampler = nullptr);
  void added(const ir::Module& module, const Version& version) override;
  void removed(const Version& version) override;
  // Every version, in the order they were published (disassemble.h). Fails where there is none.
  Result<void> list(const ir::Module& module, Text& text) const;

 private:
  struct Kept {
    Version version;
    std::vector<u8> code;
    usize first_sample, last_sample;  // what was sampled while it was there
    bool gone;
  };
  usize now() const { return sampler_ ? sampler_->taken() : 0; }

  std::string name_, tier_;
  const Sampler* sampler_;
  std::vector<Kept> versions_;
};

}  // namespace bf::microjit
