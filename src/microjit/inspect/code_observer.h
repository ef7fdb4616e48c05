// Who wants to know what code there is: debuggers and profilers from outside.
//
// Called with the engine's lock held, on whichever core publishes or frees.
#pragma once

#include "microjit/function_state.h"

namespace bf::microjit {

class CodeObserver {
 public:
  // A version was published.
  virtual void added(const ir::Module& module, const Version& version) = 0;
  // Its memory is about to be used again.
  virtual void removed(const Version& version) = 0;

 protected:
  ~CodeObserver() = default;
};

}  // namespace bf::microjit
