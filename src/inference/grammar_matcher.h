// Where a text is in a grammar, byte by byte.
//
//   GrammarMatcher matcher(grammar);
//   GrammarMatcher::Place place, next;
//   if (!matcher.start(place)) ...               // memory is short
//   if (!matcher.step(place, byte, next)) ...    // the text cannot go on like this
//   matcher.can_end(next)
//   matcher.keep(next);                          // forgets all other places
//
// A place is a set of stacks: what is yet to come, for each way to read what was there. Stacks
// share their lower parts. Each stack is the number of its top frame; equal frames are one, and so
// sets have no duplicates. A rule's last symbol takes the place of the rule, so that lists do not
// make stacks grow. Characters are whole only at their last byte; before that a place knows what
// has come of one, and is left as soon as no character would do.
#pragma once

#include "inference/grammar.h"

namespace inference {

class GrammarMatcher {
 public:
  // Places lie on top of each other: making one from an older one than the last forgets those
  // that were made since.
  struct Place {
    u64 first;    // of its stacks, in stacks_
    u64 count;    // no stack: the text is over
    u32 code;     // of the character that is under way
    u32 least;    // what it must be at least; less would have been shorter
    u32 missing;  // how many of its bytes are yet to come
  };

  explicit GrammarMatcher(const Grammar& grammar) : grammar_(grammar) {}

  // Before the text's first byte.
  [[nodiscard]] bool start(Place& place);

  // `place` with a byte more. False where the grammar does not allow it, or memory is short.
  [[nodiscard]] bool step(const Place& place, u8 byte, Place& next);

  bool can_end(const Place& place) const;

  // Makes this place the only one, and forgets what no longer matters.
  void keep(Place& place);

  // Whether memory was short, or the ways to read the text were too many.
  bool failed() const { return failed_; }

 private:
  static constexpr u32 kNone = UINT32_MAX;
  static constexpr u64 kMostFrames = 1 << 20;
  static constexpr u64 kMostStacks = 1 << 15;  // of a place: every character of every piece tries them all

  struct Frame {
    u32 node;    // what is to come next; kNone: the end of the text
    u32 parent;  // the frame below, or kNone
    u32 seen;    // the last set that it was looked at for
  };

  u32 intern(u32 node, u32 parent);
  void push(u32 frame);
  void expand();
  void advance(u32 frame);
  bool take(const Place& place, u32 code, Place& next);
  bool may_become(const Place& place) const;
  bool grow();
  void forget_slots();
  void compact(Place& place);

  const Grammar& grammar_;
  List<Frame> frames_;
  Array<u32> slots_;     // of the frames, by hash; kNone where empty
  List<u32> stacks_;     // the places' sets
  List<u32> pending_;    // frames whose node may be a rule or an end
  u64 live_frames_ = 0;  // when they were last compacted
  u32 set_ = 0;          // counts the sets
  bool failed_ = false;
};

}  // namespace inference
