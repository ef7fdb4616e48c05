// Makes a failing module small: takes away whatever it fails without.
#pragma once

#include "microjit/ir/module.h"

namespace bf::test {

// `fails` must be true of the module, and stays so. Instructions go one by one, their results
// become zero.
void reduce(ir::Module& module, bool (*fails)(const ir::Module&));

}  // namespace bf::test
