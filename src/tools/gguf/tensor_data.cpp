#include "tools/gguf/tensor_data.h"

#include <algorithm>

#include "tools/gguf/pieces.h"
#include "tools/gguf/progress.h"

namespace bf::gguf {

namespace {

constexpr u64 kPieceElements = u64{1} << 18;

struct Piece {
  usize tensor;
  u64 row, rows;
};

std::vector<Piece> cut(const ModelWriter& model) {
  std::vector<Piece> pieces;
  for (usize i = 0; i < model.tensors().size(); ++i) {
    const auto& tensor = model.tensors()[i];
    const u64 rows = tensor.elements() / tensor.columns();
    const u64 most = std::max<u64>(1, kPieceElements / tensor.columns());
    for (u64 row = 0; row < rows; row += most)
      pieces.push_back({i, row, std::min(most, rows - row)});
  }
  return pieces;
}

}  // namespace

Result<void> write_tensors(const ModelWriter& model, const OutputFile& file, u32 threads,
                           const char* what, const RowSource& rows, const RawSource& raw) {
  const std::vector<Piece> pieces = cut(model);
  Progress progress(what, model.data_bytes());
  return for_each_piece(pieces.size(), threads, [&](u64 number) -> Result<void> {
    const Piece& piece = pieces[number];
    const auto& tensor = model.tensors()[piece.tensor];
    const u64 row_bytes = tensor.format->bytes(tensor.columns());
    const u64 bytes = piece.rows * row_bytes;
    const u64 offset = model.offset(piece.tensor) + piece.row * row_bytes;
    progress.add(bytes);
    if (const u8* const data = raw ? raw(piece.tensor) : nullptr)
      return file.write(offset, data + piece.row * row_bytes, bytes);

    const u64 elements = piece.rows * tensor.columns();
    std::vector<float> floats(elements + kRowSlack);
    auto filled = rows(piece.tensor, piece.row, piece.rows, floats.data());
    if (!filled) return filled;
    if (!tensor.format->accepts(floats.data(), elements))
      return Error::format(
          "tensor %s, row %llu or one of the %llu behind it: a value that %s "
          "cannot hold (no number, or too large)",
          tensor.name.c_str(), static_cast<unsigned long long>(piece.row),
          static_cast<unsigned long long>(piece.rows - 1), tensor.format->name.data());
    std::vector<u8> blocks(bytes);
    tensor.format->quantize(blocks.data(), floats.data(), elements);
    return file.write(offset, blocks.data(), bytes);
  });
}

}  // namespace bf::gguf
