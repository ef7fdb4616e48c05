#include "tools/gguf/pieces.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace bf::gguf {

Result<void> for_each_piece(u64 count, u32 threads, const std::function<Result<void>(u64)>& work) {
  std::atomic<u64> next = 0;
  std::mutex mutex;
  std::optional<Error> failure;
  const auto take_pieces = [&] {
    for (u64 piece = next++; piece < count; piece = next++) {
      auto done = work(piece);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (!failure) failure = done.error();
      next = count;
    }
  };
  const u64 wanted = threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (u64 i = 1; i < std::min(wanted, count); ++i) others.emplace_back(take_pieces);
  take_pieces();
  for (std::thread& other : others) other.join();
  if (failure) return *failure;
  return {};
}

}  // namespace bf::gguf
