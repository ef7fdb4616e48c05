// `bf-gguf inspect`: what is in a file.
#include <cstdio>
#include <string>
#include <vector>

#include "tools/gguf/commands.h"
#include "tools/gguf/inspection.h"

namespace bf::gguf {

Result<void> run_inspect(const Arguments& arguments) {
  auto model = SourceModel::open(arguments.file(0));
  if (!model) return model.error();
  const Inspection inspection(*model);
  const std::string text = arguments.has("--json")
                               ? inspection.json()
                               : inspection.text(arguments.file(0), arguments.has("--tensors"));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return {};
}

}  // namespace bf::gguf
