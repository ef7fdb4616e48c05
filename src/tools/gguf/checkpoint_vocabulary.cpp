// The vocabularies of llama2.c: the longest piece's length, then of each piece its score, its
// length and its bytes.
#include <cmath>
#include <cstring>

#include "tools/gguf/checkpoint.h"

namespace bf::gguf {

namespace {

constexpr u32 kUnknown = 0, kBegin = 1, kEnd = 2;
constexpr u32 kNone = 0xffffffff;

// tokenizer.ggml.token_type, llama.h
constexpr i32 kNormalType = 1, kUnknownType = 2, kControlType = 3, kByteType = 6;

bool is_byte(std::string_view piece) {
  return piece.size() == 6 && piece.starts_with("<0x") && piece.ends_with('>');
}

std::string with_marks(std::string_view piece) {
  std::string result;
  for (const char c : piece) {
    if (c == ' ')
      result += "\xe2\x96\x81";  // U+2581, what SentencePiece has for a space
    else
      result += c;
  }
  return result;
}

struct Piece {
  std::string text;
  i32 type;
};

Piece piece_of(u64 id, std::string_view text) {
  if (id == kUnknown) return {"<unk>", kUnknownType};
  if (id == kBegin) return {"<s>", kControlType};
  if (id == kEnd) return {"</s>", kControlType};
  if (text.empty()) return {"", kControlType};
  if (is_byte(text)) return {std::string(text), kByteType};
  return {with_marks(text), kNormalType};
}

}  // namespace

Result<CheckpointVocabulary> CheckpointVocabulary::parse(const char* file,
                                                         std::span<const u8> bytes, u64 count) {
  const auto wrong = [&] {
    return Error::format("%s: not a vocabulary of %llu pieces (tok*.bin of llama2.c)", file,
                         static_cast<unsigned long long>(count));
  };
  CheckpointVocabulary result;
  usize at = sizeof(i32);
  for (u64 id = 0; id < count; ++id) {
    float score;
    i32 size;
    if (at > bytes.size() || bytes.size() - at < sizeof score + sizeof size) return wrong();
    std::memcpy(&score, bytes.data() + at, sizeof score);
    std::memcpy(&size, bytes.data() + at + sizeof score, sizeof size);
    at += sizeof score + sizeof size;
    if (size < 0 || static_cast<u32>(size) > bytes.size() - at || !std::isfinite(score))
      return wrong();
    Piece piece =
        piece_of(id, {reinterpret_cast<const char*>(bytes.data()) + at, static_cast<usize>(size)});
    at += static_cast<usize>(size);
    result.pieces_.push_back(std::move(piece.text));
    result.scores_.push_back(score);
    result.types_.push_back(piece.type);
  }
  if (at != bytes.size()) return wrong();
  return result;
}

// In the order of llama.cpp's own converter, whose spelling of "separator" is its own, too.
void CheckpointVocabulary::describe(ModelWriter& model) const {
  model.texts("tokenizer.ggml.tokens", pieces_);
  model.reals("tokenizer.ggml.scores", scores_);
  model.integers("tokenizer.ggml.token_type", types_);
  model.text("tokenizer.ggml.model", "llama");
  model.text("general.architecture", "llama");
  model.text("general.name", "llama");
  model.number("tokenizer.ggml.unknown_token_id", kUnknown);
  model.number("tokenizer.ggml.bos_token_id", kBegin);
  model.number("tokenizer.ggml.eos_token_id", kEnd);
  model.number("tokenizer.ggml.seperator_token_id", kNone);
  model.number("tokenizer.ggml.padding_token_id", kNone);
}

}  // namespace bf::gguf
