// What the shell's words (runtime/shell/) need of a Linux process.
#pragma once

namespace bf {

// Provides /mem, /cpu, /model and /save. After bring-up.
void provide_host_words();

}  // namespace bf
