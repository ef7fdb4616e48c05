#include "microjit/support/support.h"

// Their types do not matter here: it is their addresses that are asked for. (The names of
// libatomic's functions are builtins, hence the aliases.)
extern "C" {
#define BF_SUPPORT(name) extern const char bf_support_##name[] __asm__(#name);
#include "microjit/support/support.def"
#undef BF_SUPPORT
}

namespace bf::microjit {

const void* support_function(std::string_view name) {
  static constexpr struct {
    std::string_view name;
    const void* address;
  } kFunctions[] = {
#define BF_SUPPORT(name) {#name, bf_support_##name},
#include "microjit/support/support.def"
#undef BF_SUPPORT
  };
  for (const auto& function : kFunctions)
    if (function.name == name) return function.address;
  return nullptr;
}

}  // namespace bf::microjit
