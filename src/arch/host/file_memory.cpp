// A file as memory of its own: anonymous pages, which may be huge and may be written, filled by
// several threads. Where the pages of a file are cached, what reading costs is faults and copying:
// huge pages make it a five-hundredth as many faults, and a second thread halves the rest.
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"
#include "runtime/text.h"

namespace bf {

namespace {

constexpr usize kHugePage = usize{2} << 20;
// What a thread reads at once: a huge page, which is still in a cache when its zeroes are
// overwritten.
constexpr usize kPiece = kHugePage;
constexpr usize kMostReaders = 8;
// How often something is said about it: a line in a log, less of a wait on a terminal.
constexpr u64 kNsPerLine = 1'000'000'000;
constexpr u64 kNsPerUpdate = 200'000'000;

// Aligned to huge pages; null if there is not that much. Small files are not worth the rest of one.
u8* allocate_aligned(usize bytes) {
  const usize wanted = align_up(bytes, platform::kPageBytes);
  const usize mapped = wanted + kHugePage;
  void* memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const start = static_cast<u8*>(memory);
  const usize front =
      align_up(reinterpret_cast<usize>(start), kHugePage) - reinterpret_cast<usize>(start);
  if (front > 0) munmap(start, front);
  munmap(start + front + wanted, mapped - front - wanted);
  madvise(start + front, wanted, MADV_HUGEPAGE);  // where there are none, small ones do
  return start + front;
}

// One file that several threads read.
struct Reading {
  int file;
  u8* memory;
  usize bytes;
  std::atomic<usize> next{0};  // the first byte that nobody has taken on
  std::atomic<usize> done{0};
  std::atomic<int> failure{0};  // errno

  void read_piece(usize at, usize count) {
    while (count > 0) {
      const ssize_t got = pread(file, memory + at, count, static_cast<off_t>(at));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {  // an end before the end: somebody made the file shorter
        failure.store(got < 0 ? errno : EIO, std::memory_order_relaxed);
        return;
      }
      at += static_cast<usize>(got);
      count -= static_cast<usize>(got);
      done.fetch_add(static_cast<usize>(got), std::memory_order_relaxed);
    }
  }
  bool read_next() {
    if (failure.load(std::memory_order_relaxed) != 0) return false;
    const usize at = next.fetch_add(kPiece, std::memory_order_relaxed);
    if (at >= bytes) return false;
    read_piece(at, std::min(kPiece, bytes - at));
    return true;
  }
};

// Says how far it is: lines in a log, on a terminal one that changes and goes away in the end.
class Progress {
 public:
  Progress(const std::string& name, const Reading& reading) : name_(name), reading_(reading) {}
  ~Progress() {
    if (shown_) platform::write(platform::Stream::Log, "\r\x1b[K");
  }
  void tell() {
    if (platform::clock_ns() < due_) return;
    due_ += interval_;
    const usize done = reading_.done.load(std::memory_order_relaxed) >> 20;
    Text line;
    line.format("%s[host] %s: %lu of %lu MiB read%s", on_terminal_ ? "\r" : "", name_.c_str(), done,
                reading_.bytes >> 20, on_terminal_ ? "" : "\n");
    platform::write(platform::Stream::Log, line.view());
    shown_ = on_terminal_;
  }

 private:
  const std::string& name_;
  const Reading& reading_;
  const bool on_terminal_ = isatty(STDERR_FILENO) != 0;
  const u64 interval_ = on_terminal_ ? kNsPerUpdate : kNsPerLine;
  u64 due_ = platform::clock_ns() + interval_;
  bool shown_ = false;
};

usize reader_count(usize bytes) {
  const usize most = std::min(host::processor_count(), kMostReaders);
  return std::clamp(bytes / (8 * kPiece), usize{1}, most);
}

}  // namespace

u8* host::read_file(int file, usize bytes, const std::string& name, const std::string& path) {
  Reading reading{file, allocate_aligned(bytes), bytes};
  if (reading.memory == nullptr) return nullptr;
  platform::ExtraCore helpers[kMostReaders];
  usize helper_count = 0;
  const auto body = [](void* context) {
    while (static_cast<Reading*>(context)->read_next()) {
    }
  };
  for (usize more = reader_count(bytes) - 1; more > 0; --more)
    if (platform::start_core(body, &reading, helpers[helper_count])) ++helper_count;
  {
    Progress progress(name, reading);
    while (reading.read_next()) progress.tell();
  }
  for (usize i = 0; i < helper_count; ++i) platform::join_core(helpers[i]);
  const int reason = reading.failure.load(std::memory_order_relaxed);
  if (reason == 0) return reading.memory;
  fprintf(stderr, "%s\n", cannot_read(name, path, reason).message());
  platform::exit(1);
}

}  // namespace bf
