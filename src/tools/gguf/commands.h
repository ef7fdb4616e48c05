// The commands of bf-gguf: one row here and one file each.
#pragma once

#include <span>

#include "tools/gguf/arguments.h"

namespace bf::gguf {

Result<void> run_random(const Arguments& arguments);
Result<void> run_inspect(const Arguments& arguments);
Result<void> run_convert(const Arguments& arguments);

std::span<const Command> commands();

}  // namespace bf::gguf
