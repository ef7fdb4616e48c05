// A screen of pixels in memory, drawn with the font of font.h.
//
//   Framebuffer framebuffer;
//   if (auto fits = check_pixels(pixels); !fits) ...
//   framebuffer.start(memory, pixels);
//   framebuffer.draw(0, 0, cell);
//
// 15, 16, 24 or 32 bits a pixel, the colours' bits anywhere in them, rows of any pitch. On screens
// of 1920 pixels and more glyphs have twice the size, and again twice where there would be more
// cells than kMostCells; their corners are smoothed by the rule of Scale2x (Mazzoleni, 2001). What is left
// at the edges of the screen stays blank.
#pragma once

#include "arch/x86/screen/display.h"

namespace bf::x86 {

// As the boot loader describes it.
struct PixelScreen {
  struct Channel {
    u8 position, bits;
  };
  u64 address = 0;  // 0: there is none
  u32 pitch_bytes = 0;
  u32 width = 0, height = 0;
  u32 bits = 0;  // of a pixel
  Channel red = {}, green = {}, blue = {};

  u64 bytes() const { return u64{pitch_bytes} * height; }
};

inline constexpr u32 kMostCells = 20480;

// Whether it can be drawn on; an error says what is wrong with it.
Result<void> check_pixels(const PixelScreen& pixels);

class Framebuffer final : public Display {
 public:
  // `memory` has pixels.bytes() bytes; the pixels have passed check_pixels.
  void start(u8* memory, const PixelScreen& pixels);

  u32 columns() const override { return columns_; }
  u32 rows() const override { return rows_; }
  void clear() override;
  void draw(u32 row, u32 column, Cell cell) override;

  u32 cell_width() const { return cell_width_; }
  u32 cell_height() const { return cell_height_; }
  // Of the top left cell, in pixels.
  u32 left() const { return left_; }
  u32 top() const { return top_; }
  // A row of palette.def as a pixel.
  u32 pixel(u32 colour) const { return colours_[colour]; }

 private:
  static constexpr u32 kMostScale = 4;

  void draw_row(u8* at, u32 bits, u32 foreground, u32 background) const;
  void draw_row_32(u8* at, u32 bits, u32 foreground, u32 background) const;
  void draw_glyph_32(u8* at, const u8* rows, u32 foreground, u32 background) const;
  void put_pixel(u8* at, u32 pixel) const;

  u8* memory_ = nullptr;
  PixelScreen pixels_;
  u32 pixel_bytes_ = 0;
  u32 scale_ = 1;
  u32 cell_width_ = 0, cell_height_ = 0;
  u32 columns_ = 0, rows_ = 0;
  u32 left_ = 0, top_ = 0;
  u32 colours_[16] = {};
};

}  // namespace bf::x86
