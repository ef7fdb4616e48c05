#include "inference/input.h"

namespace inference {

void Input::fill() {
  if (first_ == last_) first_ = last_ = 0;
  const u64 count = bf_read(bytes_ + last_, sizeof bytes_ - last_);
  if (count == 0) ended_ = true;
  last_ += min(count, static_cast<u64>(sizeof bytes_ - last_));
}

i32 Input::next() {
  if (first_ == last_ && !ended_) fill();
  return first_ == last_ ? key::kEnd : static_cast<u8>(bytes_[first_++]);
}

void Input::forget() {
  first_ = last_ = 0;
  while (!ended_ && bf_read_ready() != 0) {
    fill();
    first_ = last_ = 0;
  }
}

bool Input::stop_requested() {
  if (ended_ || bf_read_ready() == 0) return false;
  // What does not fit any more is forgotten, so that Ctrl-C is always heard.
  if (last_ == sizeof bytes_) first_ = last_ = 0;
  const u64 before = last_ == first_ ? 0 : last_;
  fill();
  const bool lone_escape = last_ - before == 1 && bytes_[before] == key::kEscape;
  bool stop = lone_escape;
  for (u64 i = before; i < last_; ++i) stop = stop || bytes_[i] == key::kInterrupt;
  // What was typed before the wish to stop is not meant for the next line.
  if (stop) first_ = last_ = 0;
  return stop;
}

}  // namespace inference
