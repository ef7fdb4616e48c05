// A PS/2 keyboard, polled. Keys come as the bytes a terminal would send (keyboard/key_decoder.h).
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// Whether a keyboard controller answers; empties its queue. An error if the option `keyboard` names no
// layout.
Result<bool> start_keyboard();

// The next byte of input, or -1 if there is none now.
int poll_keyboard();

}  // namespace bf::x86
