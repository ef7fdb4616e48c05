// The two ways into a fuzzer: libFuzzer's, and an ordinary test over fixed mutations. Included at the end of
// a file that has
//
//   void look(const u8* data, usize size);    // at one input
//   int look_at_rounds(int rounds);           // at so many mutations of its seeds: the exit status
#pragma once

#include <cstdlib>

#ifdef BF_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const bf::u8* data, bf::usize size) {
  look(data, size);
  return 0;
}
#else
int main(int argc, char** argv) {
  return look_at_rounds(argc > 1 ? std::atoi(argv[1]) : 1000);
}
#endif
