// Dead store elimination, backwards through each block: stores that are overwritten before anybody
// can read them, and stores into stack memory of ours that nobody reads at all.
#include <algorithm>

#include "microjit/passes/alias.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr usize kMostPlaces = 32;

class StoreEliminator {
 public:
  explicit StoreEliminator(Graph& graph) : g_(graph), alias_(graph), read_(graph.values.size()) {}

  bool run() {
    find_reads();
    for (BlockId b = 0; b < g_.blocks.size(); ++b) block(b);
    return changed_;
  }

 private:
  // Stack objects that somebody reads.
  void find_reads() {
    for (const Block& b : g_.blocks)
      for (const InstId id : b.instructions) {
        const MemoryEffect e = alias_.effect(g_.insts[id]);
        if (e.has_read && e.read.is_stack) read_[e.read.root] = true;
      }
  }

  bool nobody_reads(const Place& p) const {
    return p.is_stack && !alias_.visible_outside(p) && !read_[p.root];
  }

  void block(BlockId b) {
    overwritten_.clear();
    dead_.clear();
    const auto& list = g_.blocks[b].instructions;
    for (usize n = list.size(); n-- > 0;) {
      const Inst& i = g_.insts[list[n]];
      const MemoryEffect e = alias_.effect(i);
      if (e.has_write && !e.writes_all && dead(e.write)) {
        dead_.push_back(list[n]);
        continue;
      }
      // A memmove may read what it writes: its reads count last.
      if (e.has_write && e.write.size != kAnySize && overwritten_.size() < kMostPlaces)
        overwritten_.push_back(e.write);
      if (e.reads_all)
        std::erase_if(overwritten_, [&](const Place& p) { return alias_.visible_outside(p); });
      if (e.has_read)
        std::erase_if(overwritten_, [&](const Place& p) { return alias_.may_overlap(p, e.read); });
    }
    if (dead_.empty()) return;
    changed_ = true;
    std::sort(dead_.begin(), dead_.end());
    g_.filter(b, [&](InstId id) { return !std::binary_search(dead_.begin(), dead_.end(), id); });
  }

  bool dead(const Place& p) const {
    if (nobody_reads(p)) return true;
    for (const Place& o : overwritten_)
      if (Alias::within(p, o)) return true;
    return false;
  }

  Graph& g_;
  const Alias alias_;
  std::vector<bool> read_;  // by value: stack_allocs
  std::vector<Place> overwritten_;
  std::vector<InstId> dead_;
  bool changed_ = false;
};

}  // namespace

bool dse(Graph& graph, const Context&) {
  return StoreEliminator(graph).run();
}

}  // namespace bf::passes
