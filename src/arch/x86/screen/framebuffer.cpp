#include "arch/x86/screen/framebuffer.h"

#include <emmintrin.h>

#include <cstring>

#include "arch/x86/screen/font.h"

namespace bf::x86 {

namespace {

constexpr u32 kLargeWidth = 1920;     // from here on glyphs are doubled
constexpr u32 kLeastWidth = 320, kLeastHeight = 200, kMostPixels = 16384;

constexpr u32 kPalette[] = {
#define BF_COLOUR(name, rgb) rgb,
#include "arch/x86/screen/palette.def"
#undef BF_COLOUR
};
static_assert(sizeof kPalette == 16 * sizeof(u32));

u32 channel(PixelScreen::Channel c, u32 value) {
  return (c.bits < 8 ? value >> (8 - c.bits) : value << (c.bits - 8)) << c.position;
}

bool fits(PixelScreen::Channel c, u32 bits) {
  return c.bits >= 1 && c.bits <= 16 && c.position + c.bits <= bits;
}

// A glyph's rows, each as wide as the glyph, its leftmost pixel in the highest of these bits.
struct Bitmap {
  u32 rows[kGlyphHeight * 4];
  u32 width, height;
};

// Of two bits where the first choice is `cond`: bit by bit.
constexpr u32 choose(u32 condition, u32 yes, u32 no) {
  return (condition & yes) | (~condition & no);
}

// Bits spread to every second place.
constexpr u32 spread(u32 bits) {
  bits = (bits | bits << 8) & 0x00ff00ff;
  bits = (bits | bits << 4) & 0x0f0f0f0f;
  bits = (bits | bits << 2) & 0x33333333;
  return (bits | bits << 1) & 0x55555555;
}

// Scale2x, for all pixels of a row at once: each becomes four, a corner of which is its neighbours'
// where these two are the same, and the opposite ones are not.
void double_size(Bitmap& glyph) {
  const Bitmap small = glyph;
  const u32 mask = small.width == 32 ? ~u32{0} : (u32{1} << small.width) - 1;
  for (u32 y = 0; y < small.height; ++y) {
    const u32 here = small.rows[y];
    const u32 up = y > 0 ? small.rows[y - 1] : here;
    const u32 down = y + 1 < small.height ? small.rows[y + 1] : here;
    // At the edge a pixel is its own neighbour: boxes and blocks join from cell to cell.
    const u32 top_bit = u32{1} << (small.width - 1);
    const u32 left = (here >> 1 | (here & top_bit)) & mask;
    const u32 right = (here << 1 | (here & 1)) & mask;
    const auto corner = [&](u32 vertical, u32 side, u32 other_vertical, u32 other_side) {
      const u32 joins = ~(vertical ^ side) & (side ^ other_vertical) & (vertical ^ other_side);
      return choose(joins, vertical, here) & mask;
    };
    glyph.rows[2 * y] = spread(corner(up, left, down, right)) << 1 | spread(corner(up, right, down, left));
    glyph.rows[2 * y + 1] =
        spread(corner(down, left, up, right)) << 1 | spread(corner(down, right, up, left));
  }
  glyph.width *= 2;
  glyph.height *= 2;
}

// Four pixels of 32 bits, the leftmost in the highest of four bits: `both` is what the colours of ones
// and zeros differ by, `ground` that of zeros.
void put_four(u8* at, u32 bits, __m128i both, __m128i ground) {
  alignas(16) static constexpr u32 kMasks[16][4] = {
#define BF_MASK(n) {n & 8 ? ~0u : 0, n & 4 ? ~0u : 0, n & 2 ? ~0u : 0, n & 1 ? ~0u : 0}
      BF_MASK(0),  BF_MASK(1),  BF_MASK(2),  BF_MASK(3),  BF_MASK(4),  BF_MASK(5),
      BF_MASK(6),  BF_MASK(7),  BF_MASK(8),  BF_MASK(9),  BF_MASK(10), BF_MASK(11),
      BF_MASK(12), BF_MASK(13), BF_MASK(14), BF_MASK(15)
#undef BF_MASK
  };
  const __m128i mask = _mm_load_si128(reinterpret_cast<const __m128i*>(kMasks[bits]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm_xor_si128(_mm_and_si128(mask, both), ground));
}

}  // namespace

Result<void> check_pixels(const PixelScreen& p) {
  const auto no = [&](const char* what) {
    return Error::format("no screen: %s (%u x %u pixels of %u bits, %u bytes a row)", what, p.width,
                         p.height, p.bits, p.pitch_bytes);
  };
  if (p.address == 0) return no("it has no memory");
  if (p.bits != 15 && p.bits != 16 && p.bits != 24 && p.bits != 32) return no("unknown pixels");
  if (p.width < kLeastWidth || p.height < kLeastHeight) return no("it is too small");
  if (p.width > kMostPixels || p.height > kMostPixels) return no("it is too large");
  const u64 row_bytes = u64{p.width} * ((p.bits + 7) / 8);
  if (p.pitch_bytes < row_bytes || p.pitch_bytes > 16 * row_bytes) return no("its rows overlap");
  if (p.address > ~u64{0} - p.bytes()) return no("it goes beyond the end of memory");
  if (!fits(p.red, p.bits) || !fits(p.green, p.bits) || !fits(p.blue, p.bits))
    return no("colours outside of the pixel");
  return {};
}

void Framebuffer::start(u8* memory, const PixelScreen& pixels) {
  memory_ = memory;
  pixels_ = pixels;
  pixel_bytes_ = (pixels.bits + 7) / 8;
  scale_ = pixels.width >= kLargeWidth ? 2 : 1;
  for (;; scale_ *= 2) {
    cell_width_ = kGlyphWidth * scale_;
    cell_height_ = kGlyphHeight * scale_;
    columns_ = pixels.width / cell_width_;
    rows_ = pixels.height / cell_height_;
    if (columns_ * rows_ <= kMostCells || scale_ == kMostScale) break;
  }
  if (columns_ * rows_ > kMostCells) rows_ = kMostCells / columns_;
  left_ = (pixels.width - columns_ * cell_width_) / 2;
  top_ = (pixels.height - rows_ * cell_height_) / 2;
  for (u32 i = 0; i < 16; ++i)
    colours_[i] = channel(pixels.red, kPalette[i] >> 16) |
                  channel(pixels.green, kPalette[i] >> 8 & 0xff) |
                  channel(pixels.blue, kPalette[i] & 0xff);
}

void Framebuffer::put_pixel(u8* at, u32 pixel) const {
  std::memcpy(at, &pixel, 2);
  if (pixel_bytes_ > 2) at[2] = static_cast<u8>(pixel >> 16);
  if (pixel_bytes_ > 3) at[3] = static_cast<u8>(pixel >> 24);
}

void Framebuffer::clear() {
  u8* row = memory_;
  for (u32 y = 0; y < pixels_.height; ++y, row += pixels_.pitch_bytes) {
    u32 x = 0;
    const __m128i four = _mm_set1_epi32(static_cast<int>(colours_[0]));
    for (; pixel_bytes_ == 4 && x + 32 <= pixels_.width; x += 32)
      for (u32 i = 0; i < 8; ++i) _mm_storeu_si128(reinterpret_cast<__m128i*>(row + x * 4) + i, four);
    for (; x < pixels_.width; ++x) put_pixel(row + x * pixel_bytes_, colours_[0]);
  }
}

void Framebuffer::draw(u32 row, u32 column, Cell cell) {
  BF_ASSERT(row < rows_ && column < columns_);
  const bool is_blank = static_cast<Half>(u32{cell.half}) == Half::Right;
  const u8* glyph = find_glyph(is_blank ? ' ' : u32{cell.character});
  u8* at = memory_ + u64{top_ + row * cell_height_} * pixels_.pitch_bytes +
           u64{left_ + column * cell_width_} * pixel_bytes_;
  const u32 foreground = colours_[cell.foreground], background = colours_[cell.background];
  if (scale_ == 1 && pixel_bytes_ == 4 && !cell.underlined)
    return draw_glyph_32(at, glyph, foreground, background);
  Bitmap bitmap;
  bitmap.width = kGlyphWidth;
  bitmap.height = kGlyphHeight;
  for (u32 y = 0; y < kGlyphHeight; ++y) bitmap.rows[y] = glyph[y];
  constexpr u32 kUnderlineRow = kGlyphHeight - 2;
  if (cell.underlined) bitmap.rows[kUnderlineRow] = 0xff;
  for (u32 scale = scale_; scale > 1; scale /= 2) double_size(bitmap);
  for (u32 y = 0; y < cell_height_; ++y, at += pixels_.pitch_bytes)
    draw_row(at, bitmap.rows[y] << (32 - cell_width_), foreground, background);
}

// `bits` begin with the highest.
void Framebuffer::draw_row(u8* at, u32 bits, u32 foreground, u32 background) const {
  if (pixel_bytes_ == 4) return draw_row_32(at, bits, foreground, background);
  for (u32 x = 0; x < cell_width_; ++x, bits <<= 1, at += pixel_bytes_)
    put_pixel(at, bits >> 31 != 0 ? foreground : background);
}

void Framebuffer::draw_row_32(u8* at, u32 bits, u32 foreground, u32 background) const {
  const __m128i both = _mm_set1_epi32(static_cast<int>(foreground ^ background));
  const __m128i ground = _mm_set1_epi32(static_cast<int>(background));
  for (u32 x = 0; x < cell_width_; x += 4, bits <<= 4, at += 16)
    put_four(at, bits >> 28, both, ground);
}

// What nearly all glyphs on nearly all screens are.
void Framebuffer::draw_glyph_32(u8* at, const u8* rows, u32 foreground, u32 background) const {
  const __m128i both = _mm_set1_epi32(static_cast<int>(foreground ^ background));
  const __m128i ground = _mm_set1_epi32(static_cast<int>(background));
  for (u32 y = 0; y < kGlyphHeight; ++y, at += pixels_.pitch_bytes) {
    put_four(at, rows[y] >> 4, both, ground);
    put_four(at + 16, rows[y] & 15, both, ground);
  }
}

}  // namespace bf::x86
