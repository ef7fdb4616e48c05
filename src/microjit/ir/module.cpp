#include "microjit/ir/module.h"

#include <cstring>

namespace bf::ir {

namespace {

// Row names end in '_' where C++ has a keyword or another meaning of the word; text names do not.
constexpr OpInfo kOps[] = {
#define BF_OP(name, signature, effects, rounding, cost) \
  {#name, Signature::signature, Effects::effects, Rounding::rounding, cost},
#include "microjit/ir/ops.def"
#undef BF_OP
};
static_assert(sizeof(kOps) / sizeof(kOps[0]) == kOpCount);
static_assert(kOpCount <= 256, "Op is one byte");

}  // namespace

const OpInfo& op_info(Op op) { return kOps[static_cast<u8>(op)]; }

std::string_view op_name(Op op) {
  std::string_view name = op_info(op).name;
  if (name.ends_with('_')) name.remove_suffix(1);
  return name;
}

i64 Module::find_function(std::string_view wanted) const {
  for (usize i = 0; i < functions.size(); ++i)
    if (name(functions[i]) == wanted) return static_cast<i64>(i);
  return -1;
}

u32 Module::intern(std::string_view text) {
  for (usize i = 0; i < strings.size(); ++i)
    if (string(static_cast<u32>(i)) == text) return static_cast<u32>(i);
  const u32 offset = static_cast<u32>(characters.size());
  characters.insert(characters.end(), text.begin(), text.end());
  strings.push_back({offset, static_cast<u32>(text.size())});
  return static_cast<u32>(strings.size() - 1);
}

u32 Module::intern_type(const FunctionType& type) {
  for (usize i = 0; i < types.size(); ++i)
    if (types[i] == type) return static_cast<u32>(i);
  types.push_back(type);
  return static_cast<u32>(types.size() - 1);
}

}  // namespace bf::ir
