#include "inference/grammar_matcher.h"

namespace inference {

namespace {

constexpr u32 kFirstSurrogate = 0xd800, kLastSurrogate = 0xdfff;
constexpr u64 kFewFrames = 1 << 12;

u64 hash(u32 node, u32 parent) {
  u64 x = (u64{node} << 32 | parent) * 0x9e3779b97f4a7c15;
  x ^= x >> 32;
  return x * 0xd6e8feb86659fd93 >> 20;
}

}  // namespace

bool GrammarMatcher::grow() {
  u64 count = 1024;
  while (count < 4 * frames_.size()) count *= 2;
  if (frames_.size() > kMostFrames || !slots_.allocate(count)) return false;
  for (u64 i = 0; i < count; ++i) slots_[i] = kNone;
  for (u32 i = 0; i < frames_.size(); ++i) {
    u64 at = hash(frames_[i].node, frames_[i].parent) & (count - 1);
    while (slots_[at] != kNone) at = (at + 1) & (count - 1);
    slots_[at] = i;
  }
  return true;
}

void GrammarMatcher::forget_slots() {
  Array<u32> none;
  slots_.swap(none);
}

// The frame with this content, or kNone where there is no room for it.
u32 GrammarMatcher::intern(u32 node, u32 parent) {
  if (2 * frames_.size() >= slots_.size() && (failed_ || !grow())) {
    failed_ = true;
    return kNone;
  }
  u64 at = hash(node, parent) & (slots_.size() - 1);
  for (; slots_[at] != kNone; at = (at + 1) & (slots_.size() - 1)) {
    const Frame& frame = frames_[slots_[at]];
    if (frame.node == node && frame.parent == parent) return slots_[at];
  }
  if (!frames_.add({node, parent, 0})) {
    failed_ = true;
    return kNone;
  }
  return slots_[at] = static_cast<u32>(frames_.size() - 1);
}

// Once per set.
void GrammarMatcher::push(u32 frame) {
  if (frame == kNone || frames_[frame].seen == set_) return;
  frames_[frame].seen = set_;
  if (!pending_.add(frame)) failed_ = true;
}

// Follows rules into their alternatives and ends back to who asked, until only characters, and
// perhaps the end of the text, are left: these make up the set.
void GrammarMatcher::expand() {
  using Node = Grammar::Node;
  while (!pending_.empty() && !failed_) {
    const u32 top = pending_[pending_.size() - 1];
    pending_.shrink(pending_.size() - 1);
    const Frame frame = frames_[top];
    if (frame.node == kNone || grammar_.node(frame.node).kind == Node::Code ||
        grammar_.node(frame.node).kind == Node::Class) {
      if (stacks_.size() >= kMostStacks || !stacks_.add(top)) failed_ = true;
    } else if (grammar_.node(frame.node).kind == Node::End) {
      push(frame.parent == kNone ? intern(kNone, kNone) : frame.parent);
    } else {
      const bool last = grammar_.node(frame.node + 1).kind == Node::End;
      const u32 parent = last ? frame.parent : intern(frame.node + 1, frame.parent);
      for (const u32 alternative : grammar_.alternatives(grammar_.node(frame.node).value))
        if (!failed_) push(intern(alternative, parent));
    }
  }
  pending_.clear();
}

bool GrammarMatcher::start(Place& place) {
  frames_.clear();
  stacks_.clear();
  pending_.clear();
  forget_slots();
  failed_ = false;
  live_frames_ = 0;
  ++set_;
  for (const u32 alternative : grammar_.alternatives(grammar_.root()))
    push(intern(alternative, kNone));
  expand();
  place = {0, stacks_.size(), 0, 0, 0};
  return !failed_;
}

bool GrammarMatcher::step(const Place& place, u8 byte, Place& next) {
  stacks_.shrink(place.first + place.count);
  next = place;
  if (place.missing == 0) {
    if (byte < 0x80) return take(place, byte, next);
    if (byte < 0xc2 || byte > 0xf4) return false;
    next.missing = byte < 0xe0 ? 1 : (byte < 0xf0 ? 2 : 3);
    next.code = byte & (0x3fu >> next.missing);
    next.least = next.missing == 1 ? 0x80 : (next.missing == 2 ? 0x800 : 0x10000);
    return may_become(next);
  }
  if ((byte & 0xc0) != 0x80) return false;
  next.code = place.code << 6 | (byte & 0x3f);
  next.missing = place.missing - 1;
  if (!may_become(next)) return false;
  return next.missing > 0 || take(place, next.code, next);
}

// Whether any character that goes on from what is there would do.
bool GrammarMatcher::may_become(const Place& place) const {
  const u32 bits = 6 * place.missing;
  u32 first = max(place.code << bits, place.least);
  u32 last = min(place.code << bits | ((1u << bits) - 1), Grammar::kLastCode);
  if (first >= kFirstSurrogate && first <= kLastSurrogate) first = kLastSurrogate + 1;
  if (last >= kFirstSurrogate && last <= kLastSurrogate) last = kFirstSurrogate - 1;
  if (first > last) return false;
  for (u64 i = 0; i < place.count; ++i) {
    const u32 node = frames_[stacks_[place.first + i]].node;
    if (node != kNone && grammar_.takes(grammar_.node(node), first, last)) return true;
  }
  return false;
}

bool GrammarMatcher::take(const Place& place, u32 code, Place& next) {
  next = {stacks_.size(), 0, 0, 0, 0};
  ++set_;
  for (u64 i = 0; i < place.count && !failed_; ++i) {
    const Frame frame = frames_[stacks_[place.first + i]];
    if (frame.node != kNone && grammar_.takes(grammar_.node(frame.node), code, code))
      push(intern(frame.node + 1, frame.parent));
  }
  expand();
  next.count = stacks_.size() - next.first;
  return next.count > 0 && !failed_;
}

bool GrammarMatcher::can_end(const Place& place) const {
  bool over = false;
  for (u64 i = 0; i < place.count; ++i)
    over = over || frames_[stacks_[place.first + i]].node == kNone;
  return over && place.missing == 0;
}

void GrammarMatcher::keep(Place& place) {
  for (u64 i = 0; i < place.count; ++i) stacks_[i] = stacks_[place.first + i];
  stacks_.shrink(place.count);
  place.first = 0;
  if (frames_.size() > 2 * live_frames_ + kFewFrames) compact(place);
}

// Keeps the frames that the place's stacks are made of. A frame comes behind its parent, so one
// pass down marks them, and one up moves them.
void GrammarMatcher::compact(Place& place) {
  Array<u32> moved;
  if (!moved.allocate(frames_.size())) return;  // then it stays as large as it is
  for (u64 i = 0; i < place.count; ++i) moved[stacks_[i]] = 1;
  for (u64 i = frames_.size(); i > 0; --i)
    if (moved[i - 1] != 0 && frames_[i - 1].parent != kNone) moved[frames_[i - 1].parent] = 1;
  u32 count = 0;
  for (u32 i = 0; i < frames_.size(); ++i) {
    if (moved[i] == 0) continue;
    const Frame frame = frames_[i];
    frames_[count] = {frame.node, frame.parent == kNone ? kNone : moved[frame.parent], 0};
    moved[i] = count++;
  }
  for (u64 i = 0; i < place.count; ++i) stacks_[i] = moved[stacks_[i]];
  frames_.shrink(count);
  forget_slots();
  set_ = 0;
  live_frames_ = count;
  if (!grow()) failed_ = true;
}

}  // namespace inference
