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

Op combining_op(Op reduction) {
  switch (reduction) {
    case Op::reduce_add:
      return Op::add;
    case Op::reduce_mul:
      return Op::mul;
    case Op::reduce_and:
      return Op::and_;
    case Op::reduce_or:
      return Op::or_;
    case Op::reduce_xor:
      return Op::xor_;
    case Op::reduce_smin:
      return Op::smin;
    case Op::reduce_smax:
      return Op::smax;
    case Op::reduce_umin:
      return Op::umin;
    case Op::reduce_umax:
      return Op::umax;
    default:
      BF_UNREACHABLE("not a reduction of integers");
  }
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
