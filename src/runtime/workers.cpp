#include "runtime/workers.h"

#include <atomic>

#include "runtime/patience.h"
#include "runtime/platform.h"
#include "runtime/text.h"

namespace bf::workers {

namespace {

constexpr usize kCacheLine = 64;
constexpr u32 kKinds = 32;  // bodies that are told apart

// Of what is left of a share, its own core takes an n-th at a time, and others less: few pieces, as
// each is a call, and small ones in the end, when cores begin to wait for each other.
constexpr u32 kOwnPart = 2, kOthersPart = 4;

// What takes the caller less than this alone is not worth sharing: it has cost about as much when
// the other cores have what they need of it in their caches. To wake them first takes longer.
constexpr u64 kLeastShared = 4, kLeastWoken = 20;  // in microseconds

// Grains [first, end) of the range.
struct Piece {
  u32 first, end;
  u32 size() const { return end - first; }
  u64 packed() const { return u64{end} << 32 | first; }
};
constexpr Piece unpack(u64 packed) {
  return {static_cast<u32>(packed), static_cast<u32>(packed >> 32)};
}

u32 part(u32 size, u32 of) {
  return size < of ? 1 : size / of;
}

// What is left of a core's share. Whoever takes a piece of it has a piece of the range that is
// under way, whatever it knew before: nobody can be late.
struct alignas(kCacheLine) Share {
  std::atomic<u64> left{0};
  std::atomic<u32> done{0};  // by the core whose share it is, of the range that is under way
  // Written by that core alone.
  std::atomic<u32> processor{0};  // that it was last seen on
  std::atomic<u64> pieces{0}, stolen{0}, sleeps{0};
  std::atomic<u64> items[kKinds] = {};  // done of each kind of work

  bool take_front(Piece& piece) {
    u64 seen = left.load(std::memory_order_relaxed);
    for (;;) {
      const Piece all = unpack(seen);
      if (all.first >= all.end) return false;
      piece = {all.first, all.first + part(all.size(), kOwnPart)};
      if (take(seen, {piece.end, all.end})) return true;
    }
  }
  bool take_back(Piece& piece) {
    u64 seen = left.load(std::memory_order_relaxed);
    for (;;) {
      const Piece all = unpack(seen);
      if (all.first >= all.end) return false;
      piece = {all.end - part(all.size(), kOthersPart), all.end};
      if (take(seen, {all.first, piece.first})) return true;
    }
  }

 private:
  bool take(u64& seen, Piece rest) {
    return left.compare_exchange_weak(seen, rest.packed(), std::memory_order_acquire,
                                      std::memory_order_relaxed);
  }
};

void add(std::atomic<u64>& counter, u64 n) {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

// The range that is under way. Read by who has taken a piece of it and not yet said that it is
// done.
struct alignas(kCacheLine) Range {
  u64 begin, end, grain;
  Body body;
  void* context;
  u32 kind;

  // How many items that were.
  u64 run(Piece piece) const {
    const u64 first = begin + piece.first * grain, last = begin + piece.end * grain;
    body(context, first, last < end ? last : end);
    return (last < end ? last : end) - first;
  }
};

// How much of a range each core did, on average of the last ones of the same kind, and how long a
// grain takes.
struct Speeds {
  static constexpr u32 kOne = 1 << 16;
  static constexpr u32 kInertia = 8;

  static constexpr u64 kUnknown = ~u64{0};
  static constexpr u32 kTimedGrains = 64;

  Body body = nullptr;
  u64 grain_ticks;  // of kTimedGrains
  u32 of[kMostCores];

  void start(Body kind, u32 cores) {
    body = kind;
    grain_ticks = kUnknown;
    for (u32 i = 0; i < cores; ++i) of[i] = kOne / cores;
  }
  // Whether the caller alone would take longer than that.
  bool longer_than(u64 ticks, u64 grains) const {
    return grain_ticks == kUnknown || grains * grain_ticks / kTimedGrains > ticks;
  }
  // More is believed at once, less by and by.
  void learn_ticks(u64 ticks, u64 grains) {
    if (grains == 0) return;
    const u64 now = ticks * kTimedGrains / grains;
    const bool more = grain_ticks == kUnknown || now > grain_ticks;
    grain_ticks = more ? now : (grain_ticks * (kInertia - 1) + now) / kInertia;
  }
  void learn_parts(const Share* shares, u32 cores, u32 grains) {
    // Where a core had no part it was asleep; a few grains say nothing about speed.
    if (grains < cores * 8) return;
    for (u32 i = 0; i < cores; ++i)
      if (shares[i].done.load(std::memory_order_relaxed) == 0) return;
    for (u32 i = 0; i < cores; ++i) {
      const u64 done = shares[i].done.load(std::memory_order_relaxed);
      const u32 now = static_cast<u32>(done * kOne / grains);
      of[i] = static_cast<u32>((u64{of[i]} * (kInertia - 1) + now) / kInertia);
    }
  }
};

Range range;
Share shares[kMostCores];
// Grains that are not done; the word that the caller waits on.
alignas(kCacheLine) std::atomic<u32> unfinished{0};
std::atomic<bool> caller_sleeps{false};
// Counts ranges; the word that workers wait on.
alignas(kCacheLine) std::atomic<u32> posted{0};
std::atomic<u32> sleepers{0};

alignas(kCacheLine) u32 cores = 0;  // 0: not started
bool busy = false;
bool shares_all = false;
u64 range_count = 0;
Patience callers_patience;
Speeds speeds[kKinds];
void (*rest_hook)(Rest) = nullptr;

// ---- What every core does ---------------------------------------------------------------------

u32 do_own_share(Share& mine) {
  u32 done = 0, pieces = 0;
  for (Piece piece; mine.take_front(piece); ++pieces) {
    add(mine.items[range.kind], range.run(piece));
    done += piece.size();
  }
  add(mine.pieces, pieces);
  return done;
}

u32 help_others(u32 self, u32 count) {
  u32 done = 0, pieces = 0;
  for (u32 i = 1; i < count; ++i) {
    Share& other = shares[(self + i) % count];
    for (Piece piece; other.take_back(piece); ++pieces) {
      add(shares[self].items[range.kind], range.run(piece));
      done += piece.size();
    }
  }
  add(shares[self].pieces, pieces);
  add(shares[self].stolen, pieces);
  return done;
}

// Takes pieces until there are none. Who has done something must say so: until then the range is
// not finished, so all that it did was of one range.
void take_part(u32 self, u32 count) {
  shares[self].processor.store(platform::processor_number(), std::memory_order_relaxed);
  const u32 own = do_own_share(shares[self]);
  const u32 done = own + help_others(self, count);
  if (done == 0) return;
  std::atomic<u32>& sum = shares[self].done;
  sum.store(sum.load(std::memory_order_relaxed) + done, std::memory_order_relaxed);
  const u32 before = unfinished.fetch_sub(done, std::memory_order_seq_cst);
  if (before == done && caller_sleeps.load(std::memory_order_seq_cst)) platform::wake(&unfinished);
}

// Whether a core's processor is the one that asks: then that core does nothing at the moment.
bool is_here(u32 core) {
  return shares[core].processor.load(std::memory_order_relaxed) == platform::processor_number();
}

// ---- Workers ----------------------------------------------------------------------------------

void rest(Rest kind) {
  if (rest_hook != nullptr) rest_hook(kind);
}

void sleep_until_posted(u32 self, u32 seen) {
  rest(Rest::Sleep);
  add(shares[self].sleeps, 1);
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (posted.load(std::memory_order_seq_cst) == seen) platform::wait_while(&posted, seen);
  sleepers.fetch_sub(1, std::memory_order_relaxed);
}

struct WorkerStart {
  u32 index, count;
};
WorkerStart worker_starts[kMostCores];

void work(void* context) {
  const WorkerStart& me = *static_cast<const WorkerStart*>(context);
  Patience patience;
  for (u32 seen = 0;;) {
    const auto is_posted = [&] { return posted.load(std::memory_order_acquire) != seen; };
    const auto caller_is_away = [] { return is_here(0); };
    const u64 start = platform::ticks();
    if (!patience.spin(is_posted, caller_is_away)) sleep_until_posted(me.index, seen);
    patience.waited(platform::ticks() - start);
    seen = posted.load(std::memory_order_acquire);
    take_part(me.index, me.count);
    rest(Rest::Short);
  }
}

void start_workers() {
  const u32 wanted = platform::core_count() < kMostCores ? platform::core_count() : kMostCores;
  cores = 1;
  while (cores < wanted) {
    worker_starts[cores] = {cores, wanted};
    platform::ExtraCore core;
    if (!platform::start_worker(cores, work, &worker_starts[cores], core)) break;
    ++cores;
  }
  if (cores == wanted) return;
  Text line;
  line.format("[cores] %u of %u could be started: the program runs on those\n", cores, wanted);
  platform::write(platform::Stream::Log, line.view());
}

// ---- The caller -------------------------------------------------------------------------------

// What is known of a body. Where there are too many of them, one has to be forgotten.
u32 kind_of(Body body) {
  const auto first = static_cast<u32>(reinterpret_cast<usize>(body) / 16);
  u32 kind = first % kKinds;
  for (u32 i = 0; i < kKinds && speeds[kind].body != body; ++i) {
    kind = (first + i) % kKinds;
    if (speeds[kind].body == nullptr) break;
  }
  if (speeds[kind].body != body) {
    speeds[kind].start(body, cores);
    for (u32 i = 0; i < cores; ++i) shares[i].items[kind].store(0, std::memory_order_relaxed);
  }
  return kind;
}

void split(u32 grains, const Speeds& by) {
  u64 total = 0, sum = 0;
  for (u32 i = 0; i < cores; ++i) total += by.of[i];
  u32 at = 0;
  for (u32 i = 0; i < cores; ++i) {
    sum += by.of[i];
    const u32 end = static_cast<u32>(grains * sum / total);
    shares[i].done.store(0, std::memory_order_relaxed);
    shares[i].left.store(Piece{at, end}.packed(), std::memory_order_release);
    at = end;
  }
}

// Waiting and waking are nobody's work: the profiler leaves them out, as the callees' part of the
// caller.
void leave_out_of_profile(u64 ticks) {
  platform::core_local().callee_cycles += ticks;
}

void wake_workers() {
  posted.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) == 0) return;
  const u64 start = platform::ticks();
  platform::wake(&posted);
  leave_out_of_profile(platform::ticks() - start);
}

void sleep_until_finished() {
  add(shares[0].sleeps, 1);
  caller_sleeps.store(true, std::memory_order_seq_cst);
  while (const u32 left = unfinished.load(std::memory_order_seq_cst))
    platform::wait_while(&unfinished, left);
  caller_sleeps.store(false, std::memory_order_relaxed);
}

bool somebody_is_here() {
  for (u32 i = 1; i < cores; ++i)
    if (is_here(i)) return true;
  return false;
}

void wait_until_finished() {
  const auto is_finished = [] { return unfinished.load(std::memory_order_acquire) == 0; };
  if (is_finished()) return;
  const u64 start = platform::ticks();
  if (!callers_patience.spin(is_finished, somebody_is_here)) sleep_until_finished();
  const u64 waited = platform::ticks() - start;
  callers_patience.waited(waited);
  leave_out_of_profile(waited);
}

bool is_worth_sharing(u64 grains, const Speeds& by) {
  const bool asleep = sleepers.load(std::memory_order_relaxed) != 0;
  const u64 least = asleep ? kLeastWoken : kLeastShared;
  return shares_all || by.longer_than(least * (platform::ticks_per_second() / 1'000'000), grains);
}

void share(u32 grains, Speeds& by) {
  unfinished.store(grains, std::memory_order_relaxed);
  split(grains, by);
  wake_workers();
  const u64 start = platform::ticks();
  take_part(0, cores);
  by.learn_ticks(platform::ticks() - start, shares[0].done.load(std::memory_order_relaxed));
  wait_until_finished();
  by.learn_parts(shares, cores, grains);
  ++range_count;
}

void share_if_worth_it(u64 begin, u64 end, u64 grain, Body body, void* context) {
  constexpr u64 kMostGrains = u64{1} << 31;
  const u64 all = (end - begin - 1) / grain + 1;
  if (all > kMostGrains) grain *= (all - 1) / kMostGrains + 1;
  const u64 grains = (end - begin - 1) / grain + 1;
  const u32 kind = kind_of(body);
  Speeds& by = speeds[kind];
  if (is_worth_sharing(grains, by)) {
    range = {begin, end, grain, body, context, kind};
    return share(static_cast<u32>(grains), by);
  }
  const u64 start = platform::ticks();
  body(context, begin, end);
  add(shares[0].items[kind], end - begin);
  by.learn_ticks(platform::ticks() - start, grains);
}

}  // namespace

void parallel_for(u64 begin, u64 end, u64 grain, Body body, void* context) {
  BF_ASSERT(grain > 0);
  BF_ASSERT(!busy);
  if (begin >= end) return;
  busy = true;
  if (end - begin <= grain || core_count() == 1)
    body(context, begin, end);
  else
    share_if_worth_it(begin, end, grain, body, context);
  busy = false;
}

void share_all(bool on) {
  shares_all = on;
}

void set_rest_hook(void (*hook)(Rest)) {
  rest_hook = hook;
}

u32 core_count() {
  if (cores == 0) start_workers();
  return cores;
}

Counts counts() {
  Counts sum;
  sum.ranges = range_count;
  for (u32 i = 0; i < kMostCores; ++i) {
    sum.pieces += shares[i].pieces.load(std::memory_order_relaxed);
    sum.stolen += shares[i].stolen.load(std::memory_order_relaxed);
    sum.sleeps += shares[i].sleeps.load(std::memory_order_relaxed);
  }
  return sum;
}

u32 work_done(Work* all, u32 most) {
  u32 count = 0;
  for (u32 kind = 0; kind < kKinds && count < most; ++kind) {
    if (speeds[kind].body == nullptr) continue;
    Work& work = all[count++];
    work = {speeds[kind].body, {}};
    for (u32 i = 0; i < cores; ++i)
      work.items[i] = shares[i].items[kind].load(std::memory_order_relaxed);
  }
  return count;
}

}  // namespace bf::workers
