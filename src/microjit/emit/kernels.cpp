#include "microjit/emit/kernels.h"

namespace bf::microjit::emit {

namespace {

using Maker = std::unique_ptr<const Kernel>(std::string_view function);
constexpr Maker* kMakers[] = {make_matmul, make_attention, make_row_kernel};

}  // namespace

std::unique_ptr<const Kernel> make_kernel(std::string_view function, Set set) {
  if (set == Set::None) return nullptr;
  for (Maker* make : kMakers)
    if (auto kernel = make(function)) return kernel;
  return nullptr;
}

}  // namespace bf::microjit::emit
