#include <sys/mman.h>
#include <unistd.h>

#include "runtime/platform.h"

namespace bf::platform {

namespace {

u8* map(usize bytes, int protection, int flags, int file) {
  void* memory = mmap(nullptr, bytes, protection, flags, file, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<u8*>(memory);
}

// The same pages twice: there is no moment at which code can be written through the mapping that
// runs it.
CodeMemory map_twice(int file, usize bytes) {
  if (ftruncate(file, static_cast<off_t>(bytes)) != 0) return {};
  u8* write = map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file);
  u8* run = map(bytes, PROT_READ | PROT_EXEC, MAP_SHARED, file);
  if (write != nullptr && run != nullptr) return {write, run, bytes};
  if (write != nullptr) munmap(write, bytes);
  if (run != nullptr) munmap(run, bytes);
  return {};
}

}  // namespace

void* allocate_pages(usize bytes) {
  if (bytes == 0 || bytes > SIZE_MAX - kPageBytes) return nullptr;
  return map(align_up(bytes, kPageBytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void free_pages(void* memory, usize bytes) {
  const int failed = munmap(memory, align_up(bytes, kPageBytes));
  BF_ASSERT(failed == 0);
}

CodeMemory allocate_code(usize bytes) {
  if (bytes == 0 || bytes > SIZE_MAX - kPageBytes) return {};
  const int file = memfd_create("bareflow-code", MFD_CLOEXEC);
  if (file < 0) return {};
  const CodeMemory code = map_twice(file, align_up(bytes, kPageBytes));
  close(file);
  return code;
}

void free_code(const CodeMemory& memory) {
  const int failed =
      munmap(memory.write, memory.bytes) | munmap(const_cast<u8*>(memory.run), memory.bytes);
  BF_ASSERT(failed == 0);
}

// The pages are the file's: only the mappings forget them, and what still runs is found again.
void rest_code(const CodeMemory& memory) {
  if (memory.write == nullptr) return;
  madvise(memory.write, memory.bytes, MADV_DONTNEED);
  madvise(const_cast<u8*>(memory.run), memory.bytes, MADV_DONTNEED);
}

}  // namespace bf::platform
