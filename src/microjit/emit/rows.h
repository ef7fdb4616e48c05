// Functions that go through rows of floats: norm, rotation, activations, sum, softmax,
// quantisation. Most are generated for one length. Each computes what the function of that name in
// src/inference/kernels does, to the bit. A plan's shape is a length, or anything.
#pragma once

#include "microjit/emit/emitted_function.h"

namespace bf::microjit::emit {

class RowFunction;

// One of them; rows in rows.cpp. Its result goes to where the first argument points.
struct RowKernel {
  const char* name;
  u32 count_argument;           // which argument is the length
  u32 step;                     // what lengths are a multiple of
  bool exact;                   // whether code is for one length, or `emit` gets 0
  bool in_place;                // whether the first argument is read, too
  u64 (*out_bytes)(u64 count);  // of the result
  void (*emit)(RowFunction& f, u64 count);
};
std::span<const RowKernel> row_kernels();

// Arguments are where System V has them: rdi, rsi, rdx, rcx, r8, xmm0.
class RowFunction final : public EmittedFunction {
 public:
  static constexpr u64 kMostCount = u64{1} << 24;

  RowFunction(const RowKernel& kernel, Set set, asmjit::CodeHolder& code)
      : EmittedFunction(set, code), k_(kernel) {}

  // Does something for each of the vectors that a padded row has. What `body` gets, and what comes
  // back for the vector behind them, goes to address().
  template <class Body>
  i32 each(u64 count, Body body) {
    return each_group(count, 4, [&](i32 at, u32 vectors) {
      for (u32 n = 0; n < vectors; ++n) body(at + static_cast<i32>(n * s_.bytes()));
    });
  }
  // The same for `together` of them at a time, or for fewer at the end: body(at, vectors).
  template <class Body>
  i32 each_group(u64 count, u32 together, Body body) {
    return each_group(count, together, &body,
                      [](void* b, i32 at, u32 n) { (*static_cast<Body*>(b))(at, n); });
  }
  // That vector of the row which is an argument.
  static x86::Mem address(u32 argument, i32 at);

 private:
  u32 frame_bytes() const override { return 0; }
  bool has_frame() const override { return false; }
  void choose(const KernelPlan& plan, const asmjit::Label& body) override;
  void body(const KernelPlan& plan) override { k_.emit(*this, plan.shape.size); }
  i32 each_group(u64 count, u32 together, void* body, void (*call)(void* body, i32 at, u32 vectors));

  const RowKernel& k_;
};

}  // namespace bf::microjit::emit
