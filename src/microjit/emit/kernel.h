// Kernels that have emitters: what the autotuner has to know of a kind of them to make versions,
// compare them with the reference, and choose.
//
//   const auto kernel = make_kernel("matmul_q4_0", set);
//   KernelPlan plans[kMostPlans];
//   const usize n = kernel->plans(call, set, plans);           // to be tried, the likeliest first
//   auto code = kernel->emit({plans, 1}, {.set = set, .function = index});
//   if (kernel->outcome(interpreter, call) == kernel->outcome(emitted, call)) kernel->run(emitted, call);
//
// A kernel is a function of the program, known by its name, that returns nothing.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "microjit/emit/simd.h"
#include "microjit/link.h"
#include "runtime/text.h"

namespace bf::microjit::emit {

// A call as it was made: what System V passes in registers, and on the stack.
struct KernelCall {
  const u64* general;  // rdi, rsi, rdx, rcx, r8, r9
  const u64* vector;   // xmm0 to xmm7, two words each
  const u64* stack;    // the first argument there
};

// What versions are made for of a call: a size that code is generated for, and a number that is looked
// at at run time (columns and tokens of a matrix product).
struct CallShape {
  u64 size = 0, number = 0;
};
// Calls that a version is made for.
struct KernelShape {
  u64 size = 0;
  u64 least = 0, most = ~u64{0};  // numbers
  bool covers(const CallShape& c) const {
    return c.size == size && c.number >= least && c.number <= most;
  }
};

// A version for a shape, and how it goes about it.
struct KernelPlan {
  KernelShape shape;
  u32 tile = 1;
  u32 prefetch = 0;     // how far ahead; 0: the processor's own prefetching will do
  u32 cache_level = 1;  // that it goes to
  u32 unroll = 1;       // steps of the innermost loop in one round
  u32 streams = 1;      // pieces of what is read that are gone through side by side
};
inline constexpr usize kMostPlans = 8;

struct EmitOptions {
  Set set = Set::None;
  u32 function = 0;      // its index
  bool profile = false;  // count calls
  // Set::AvxVnni for a processor that has AVX512-VNNI instead (Simd::use_evex_dot): to test it there.
  bool evex_dot = false;
};

class Kernel {
 public:
  virtual CallShape shape(const KernelCall& call) const = 0;
  // Calls that are to be treated like this one.
  virtual KernelShape kind_of(const CallShape& shape) const = 0;
  // Plans worth trying for it. A plan's own shape may be narrower, that of the call alone, so that
  // it is emitted fast.
  virtual usize plans(const KernelCall& call, Set set, std::span<KernelPlan, kMostPlans> out) const = 0;
  // One version that follows all plans, each for its shape. Other calls go to
  // FunctionState::first_entry, and so do those that the profile wants timed.
  virtual Result<CompiledCode> emit(std::span<const KernelPlan> plans,
                                    const EmitOptions& options) const = 0;
  virtual void run(const void* entry, const KernelCall& call) const = 0;
  // How much work it is, in a unit of the kind's own: times are compared by it.
  virtual u64 work(const KernelCall& call) const = 0;
  // What a version makes of a piece of the call, whose shape is the call's. Nothing of the program's is
  // written. Versions that agree give the same bytes; none at all if the kernel cannot take such a call.
  virtual std::vector<u8> outcome(const void* entry, const KernelCall& call) const = 0;
  // "2048 columns, 1 token: tile 1, prefetch 0"
  virtual void describe(const KernelPlan& plan, Text& text) const = 0;

  virtual ~Kernel() = default;
};

// Null if the function is no kernel, or there is no emitter for the set.
std::unique_ptr<const Kernel> make_kernel(std::string_view function, Set set);

}  // namespace bf::microjit::emit
