// Something that shows cells.
#pragma once

#include "arch/x86/screen/cell.h"

namespace bf::x86 {

class Display {
 public:
  virtual u32 columns() const = 0;
  virtual u32 rows() const = 0;

  // Blanks all of it.
  virtual void clear() = 0;
  virtual void draw(u32 row, u32 column, Cell cell) = 0;

  // Whether it has a cursor of its own; else whoever draws shows one.
  virtual bool has_cursor() const { return false; }
  virtual void move_cursor(u32, u32, bool) {}

 protected:
  ~Display() = default;
};

}  // namespace bf::x86
