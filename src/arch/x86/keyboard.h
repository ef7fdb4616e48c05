// A PS/2 keyboard, polled, US layout. Keys come as the bytes a terminal would send.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// Whether a keyboard controller answers; empties its queue.
bool start_keyboard();

// The next byte of input, or -1 if there is none now.
int poll_keyboard();

}  // namespace bf::x86
