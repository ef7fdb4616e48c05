#include "ggml.h"

#include <dlfcn.h>

#include <cstring>
#include <filesystem>

namespace bench {

namespace {

constexpr int kFloat32 = 0;

template <class F>
F* symbol(void* library, const char* name) {
  return reinterpret_cast<F*>(dlsym(library, name));
}

// The variant that says it suits best; 0 is one that does not run here.
void* best_variant(const char* folder) {
  void* best = nullptr;
  int most = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (name.rfind("libggml-cpu-", 0) != 0) continue;
    void* const library = dlopen(entry.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    auto* const score = library ? symbol<int()>(library, "ggml_backend_score") : nullptr;
    const int points = score ? score() : 0;
    if (points > most) {
      most = points;
      best = library;
    }
  }
  return best;
}

}  // namespace

std::optional<Ggml> Ggml::load(const char* folder) {
  const std::string base = std::string(folder) + "/libggml-base.so";
  void* const shared = dlopen(base.c_str(), RTLD_NOW | RTLD_GLOBAL);
  void* const library = shared ? best_variant(folder) : nullptr;
  if (!library) return std::nullopt;
  Ggml ggml;
  ggml.traits_ = symbol<const GgmlTraits*(int)>(library, "ggml_get_type_traits_cpu");
  ggml.row_bytes_ = symbol<size_t(int, long long)>(shared, "ggml_row_size");
  auto* const init = symbol<void()>(library, "ggml_cpu_init");
  if (!ggml.traits_ || !ggml.row_bytes_ || !init) return std::nullopt;
  init();
  return ggml;
}

bool Ggml::prepare(const GgmlCall& call) {
  if (call.type == ~0u) return false;
  call_ = call;
  of_ = traits_(static_cast<int>(call.type));
  if (!of_ || !of_->vec_dot) return false;
  const GgmlTraits* const to = traits_(of_->activations);
  const auto columns = static_cast<long long>(call.columns);
  const size_t row = row_bytes_(of_->activations, columns);
  activations_.resize(row * call.tokens);
  out_.resize(call.row_count * call.tokens);
  for (u64 t = 0; t < call.tokens; ++t) {
    const float* const from = call.activations + t * call.stride;
    if (of_->activations == kFloat32)
      std::memcpy(activations_.data() + t * row, from, row);
    else
      to->from_float(from, activations_.data() + t * row, columns);
  }
  return true;
}

void Ggml::run() {
  const auto columns = static_cast<long long>(call_.columns);
  const size_t weights = row_bytes_(static_cast<int>(call_.type), columns);
  const size_t activations = row_bytes_(of_->activations, columns);
  for (u64 r = 0; r < call_.row_count; ++r)
    for (u64 t = 0; t < call_.tokens; ++t)
      of_->vec_dot(static_cast<int>(columns), &out_[t * call_.row_count + r], 0,
                   call_.rows + r * weights, 0, activations_.data() + t * activations, 0, 1);
}

}  // namespace bench
