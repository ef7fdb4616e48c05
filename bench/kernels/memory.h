// Memory on pages of 2 MiB, if the system has them.
#pragma once

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "inference/types.h"

namespace bench {

template <class T>
class Memory {
 public:
  explicit Memory(inference::u64 count) : bytes_((count * sizeof(T) + kMargin + kPage - 1) / kPage * kPage) {
    void* const at = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
      std::fprintf(stderr, "error: there is no memory for weights\n");
      std::exit(1);
    }
    if (bytes_ > kPage) madvise(at, bytes_, MADV_HUGEPAGE);
    data_ = static_cast<T*>(at);
  }
  ~Memory() { munmap(data_, bytes_); }
  Memory(const Memory&) = delete;
  T* data() const { return data_; }
  T& operator[](inference::u64 i) const { return data_[i]; }

 private:
  static constexpr inference::u64 kPage = inference::u64{2} << 20, kMargin = 1 << 16;
  inference::u64 bytes_;
  T* data_;
};

}  // namespace bench
