#include "inference/text_stream.h"

namespace inference {

template <class Use>
void TextStream::each_stop(Use use) const {
  for (u64 start = 0, at = 0; at < stops_.size; ++at) {
    if (stops_[at] != '\0') continue;
    if (at > start) use(Text(stops_.data + start, at - start));
    start = at + 1;
  }
}

void TextStream::print(u64 count) {
  if (count > 0) bf_write(BF_STREAM_TEXT, held_.data(), count);
  if (transcript_ != nullptr) transcript_->add({held_.data(), count});
  for (u64 i = count; i < held_.size(); ++i) held_[i - count] = held_[i];
  held_.shrink(held_.size() - count);
}

bool TextStream::add(Text text) {
  for (const char byte : text)
    if (!held_.add(byte)) print(held_.size());  // memory is short: rather print than lose it
  // The first byte that a stop string may begin at. One that is whole counts before others that may become
  // so: then it is over.
  u64 sure = held_.size();
  each_stop([&](Text stop) {
    for (u64 at = 0; at + stop.size <= held_.size() && at < sure; ++at) {
      if (!(Text(held_.data() + at, stop.size) == stop)) continue;
      sure = at;
      stop_ = stop;
    }
  });
  if (stop_.empty())
    each_stop([&](Text stop) {
      for (u64 at = 0; at < sure; ++at) {
        const u64 here = held_.size() - at;
        if (here < stop.size && Text(held_.data() + at, here) == Text(stop.first(here))) sure = at;
      }
    });
  print(sure);
  return !stop_.empty();
}

void TextStream::finish() {
  if (stop_.empty()) add(detokenizer_.finish());
  if (stop_.empty()) print(held_.size());
  held_.clear();
}

}  // namespace inference
