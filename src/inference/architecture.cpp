#include "inference/architecture.h"

namespace inference {

bool find_architecture(Text name, Architecture& found) {
  constexpr auto Neighbours = Architecture::Neighbours, Halves = Architecture::Halves;
  using enum Architecture::Flags;
#define ARCHITECTURE(known, pairs, flags) \
  if (name == Text(known)) return found = {known, pairs, flags}, true;
#include "inference/architectures.def"
#undef ARCHITECTURE
  return false;
}

void list_architectures(Message& message) {
  Text separator;
#define ARCHITECTURE(known, pairs, flags) \
  message << separator << Text(known);    \
  separator = ", ";
#include "inference/architectures.def"
#undef ARCHITECTURE
}

}  // namespace inference
