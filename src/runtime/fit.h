// Gives back what a vector has over that will not grow any more. Its own shrink_to_fit does nothing in
// code without exceptions (libstdc++ 12: __shrink_to_fit_aux).
#pragma once

#include <iterator>
#include <vector>

namespace bf {

template <class T>
void fit(std::vector<T>& v) {
  if (v.size() == v.capacity()) return;
  std::vector<T>(std::make_move_iterator(v.begin()), std::make_move_iterator(v.end())).swap(v);
}

}  // namespace bf
