// A function on its way to a better version: what was wanted, and the compilation, piece by piece.
#pragma once

#include "microjit/microjit.h"

namespace bf::microjit {

struct Engine::Promotion {
  Promotion(const ir::Module& module, const CompileRequest& request, CompileOptions how)
      : wanted(request), job(module, *request.state->function, request.tier, std::move(how)) {}

  // As CompileJob's; counts the time.
  bool step() {
    const u64 start = platform::ticks();
    const bool more = job.step();
    ticks += platform::ticks() - start;
    return more;
  }

  const CompileRequest wanted;
  CompileJob job;
  u64 ticks = 0;  // spent compiling
};

}  // namespace bf::microjit
