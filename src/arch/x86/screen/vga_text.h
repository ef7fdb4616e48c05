// The VGA text screen: characters of code page 437 in sixteen colours, with a cursor.
#pragma once

#include "arch/x86/screen/display.h"

namespace bf::x86 {

class VgaText final : public Display {
 public:
  // Whether a screen of that size can be one: the window at 0xb8000 has 32 KiB.
  static bool has_size(u32 columns, u32 rows);

  void start(u16* memory, u32 columns, u32 rows);

  u32 columns() const override { return columns_; }
  u32 rows() const override { return rows_; }
  void clear() override;
  void draw(u32 row, u32 column, Cell cell) override;
  bool has_cursor() const override { return true; }
  void move_cursor(u32 row, u32 column, bool shown) override;

 private:
  volatile u16* memory_ = nullptr;
  u32 columns_ = 0, rows_ = 0;
};

// The byte of code page 437 that looks most like the character: itself, its letter without an accent,
// something like it, or '?'.
u8 vga_character(u32 character);

}  // namespace bf::x86
