// Who makes which kernels. A maker has a table of the functions it has emitters for (the matrix
// products' formats, the functions of rows), and makes null of other names; make_kernel()
// (kernel.h) asks them all.
#pragma once

#include "microjit/emit/kernel.h"

namespace bf::microjit::emit {

std::unique_ptr<const Kernel> make_matmul(std::string_view function);
std::unique_ptr<const Kernel> make_attention(std::string_view function);
std::unique_ptr<const Kernel> make_row_kernel(std::string_view function);

}  // namespace bf::microjit::emit
