#include "microjit/value_profile.h"

#include "microjit/passing.h"

namespace bf::microjit {

void ArgumentProfile::sample(const ir::FunctionType& type, const u64* general) {
  u32 used = 0;
  pass_arguments(type, [&](usize n, ArgumentPlace place) {
    if (place.where != ArgumentPlace::General) return;
    const ir::Kind kind = type.parameters[n];
    const u64 bits = kind == ir::Kind::I32 ? general[place.at] & 0xffffffff : general[place.at];
    Argument& a = arguments_[used++];
    if (samples_ == 0) a = {static_cast<u8>(n), true, bits};
    else if (a.bits != bits) a.same = false;
  });
  count_ = used;
  ++samples_;
}

std::vector<passes::ConstantArgument> ArgumentProfile::constants() const {
  std::vector<passes::ConstantArgument> out;
  if (samples_ < kEnoughSamples) return out;
  for (u32 n = 0; n < count_; ++n)
    if (arguments_[n].same) out.push_back({arguments_[n].parameter, arguments_[n].bits});
  return out;
}

}  // namespace bf::microjit
