// Kernels written by hand in intrinsics, the way one does it for one instruction set: what emitted
// code is measured against (bench/kernels). They take the same arguments and the same layouts as
// those of src/inference/kernels, but for the order of sums and fused multiplications.
//
//   const void* kernel = bench::avx2::find("matmul_q4_0");   // null if nobody wrote it
#pragma once

#include <string_view>

#include "inference/types.h"

namespace bench {

using namespace inference;

namespace avx2 {
const void* find(std::string_view kernel);
}
namespace avx512vnni {
const void* find(std::string_view kernel);
}

}  // namespace bench
