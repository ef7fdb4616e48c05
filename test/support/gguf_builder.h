// Builds GGUF files in memory, good ones and bad ones.
//
//   GgufBuilder file;
//   file.text("general.architecture", "llama").number("llama.block_count", 2);
//   file.tensor("token_embd.weight", {64, 100}, kF32, bytes);
//   std::string bytes = file.build();
//
// or a whole small model: tiny_llama().build()
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace test {

inline constexpr uint32_t kF32 = 0, kF16 = 1, kQ4_0 = 2, kQ8_0 = 8;

template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string gguf_string(const std::string& text) {
  return raw<uint64_t>(text.size()) + text;
}

class GgufBuilder {
 public:
  struct Entry {
    std::string key;
    uint32_t type;
    std::string value;
  };
  struct Tensor {
    std::string name;
    std::vector<uint64_t> sizes;
    uint32_t type;
    std::string data;
    int64_t offset = -1;  // -1: where it really is
  };

  uint32_t magic = 0x46554747;
  uint32_t version = 3;
  uint64_t alignment = 32;
  int64_t tensor_count = -1, entry_count = -1;  // -1: the true ones
  std::vector<Entry> entries;
  std::vector<Tensor> tensors;

  GgufBuilder& entry(const std::string& key, uint32_t type, const std::string& value) {
    for (Entry& old : entries)
      if (old.key == key) return old.type = type, old.value = value, *this;
    entries.push_back({key, type, value});
    return *this;
  }
  GgufBuilder& number(const std::string& key, uint32_t value) { return entry(key, 4, raw(value)); }
  GgufBuilder& real(const std::string& key, float value) { return entry(key, 6, raw(value)); }
  GgufBuilder& flag(const std::string& key, bool value) {
    return entry(key, 7, std::string(1, static_cast<char>(value)));
  }
  GgufBuilder& text(const std::string& key, const std::string& value) {
    return entry(key, 8, gguf_string(value));
  }
  GgufBuilder& array(const std::string& key, uint32_t type, uint64_t count,
                     const std::string& elements) {
    return entry(key, 9, raw(type) + raw(count) + elements);
  }
  GgufBuilder& without(const std::string& key) {
    std::erase_if(entries, [&](const Entry& e) { return e.key == key; });
    return *this;
  }

  Tensor& tensor(const std::string& name, std::vector<uint64_t> sizes, uint32_t type,
                 const std::string& data) {
    tensors.push_back({name, std::move(sizes), type, data});
    return tensors.back();
  }
  Tensor& find(const std::string& name) {
    for (Tensor& t : tensors)
      if (t.name == name) return t;
    std::abort();
  }

  std::string build() const {
    const auto pad = [this](std::string& s) {
      s.resize((s.size() + alignment - 1) / alignment * alignment);
    };
    std::string out = raw(magic) + raw(version);
    out += raw<uint64_t>(tensor_count < 0 ? tensors.size() : static_cast<uint64_t>(tensor_count));
    out += raw<uint64_t>(entry_count < 0 ? entries.size() : static_cast<uint64_t>(entry_count));
    for (const Entry& e : entries) out += gguf_string(e.key) + raw(e.type) + e.value;
    std::string data;
    for (const Tensor& t : tensors) {
      out += gguf_string(t.name) + raw<uint32_t>(static_cast<uint32_t>(t.sizes.size()));
      for (uint64_t size : t.sizes) out += raw(size);
      out +=
          raw(t.type) + raw<uint64_t>(t.offset < 0 ? data.size() : static_cast<uint64_t>(t.offset));
      data += t.data;
      pad(data);
    }
    pad(out);
    return out + data;
  }
};

// A vocabulary of <unk> <s> </s>, all bytes, and `more` pieces with scores from -1 downward.
inline void add_vocabulary(GgufBuilder& file, const std::vector<std::string>& more) {
  std::string pieces, scores, types;
  uint64_t count = 0;
  const auto add = [&](const std::string& piece, float score, int32_t type) {
    pieces += gguf_string(piece);
    scores += raw(score);
    types += raw(type);
    ++count;
  };
  add("<unk>", 0, 2);
  add("<s>", 0, 3);
  add("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    add(name, 0, 6);
  }
  float score = -1;
  for (const std::string& piece : more) add(piece, score--, 1);
  file.text("tokenizer.ggml.model", "llama");
  file.array("tokenizer.ggml.tokens", 8, count, pieces);
  file.array("tokenizer.ggml.scores", 6, count, scores);
  file.array("tokenizer.ggml.token_type", 5, count, types);
}

// A letter of the byte alphabet, written as in the files.
inline std::string byte_letter(int byte) {
  const auto visible = [](int b) {
    return (b > 0x20 && b < 0x7f) || (b > 0xa0 && b <= 0xff && b != 0xad);
  };
  int code = byte;
  if (!visible(byte)) {
    code = 0x100;
    for (int before = 0; before < byte; ++before) code += visible(before) ? 0 : 1;
  }
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

// A byte-level vocabulary: the letters of all 256 bytes, what the merges make, <|end|> and <x>.
inline void add_byte_pairs(GgufBuilder& file, const std::string& rules,
                           const std::vector<std::pair<std::string, std::string>>& merges) {
  std::string pieces, types, pairs;
  uint64_t count = 0;
  const auto add = [&](const std::string& piece, int32_t type) {
    pieces += gguf_string(piece);
    types += raw(type);
    ++count;
  };
  for (int byte = 0; byte < 256; ++byte) add(byte_letter(byte), 1);
  for (const auto& [left, right] : merges) {
    add(left + right, 1);
    pairs += gguf_string(left + " " + right);
  }
  add("<|end|>", 3);
  add("<x>", 4);
  file.without("tokenizer.ggml.scores");
  file.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", rules);
  file.array("tokenizer.ggml.tokens", 8, count, pieces);
  file.array("tokenizer.ggml.token_type", 5, count, types);
  file.array("tokenizer.ggml.merges", 8, merges.size(), pairs);
}

inline const std::vector<std::string>& tiny_pieces() {
  static const std::vector<std::string> pieces = {"\u2581a", "\u2581b", "ab", "\u2581ab",
                                                  "\u2581",  "a",       "b",  "\u00e9"};
  return pieces;
}

// One layer, two heads, one key-value head, F32, weights from a small generator.
inline GgufBuilder tiny_llama(uint64_t dim = 32, uint64_t hidden = 40) {
  const uint64_t kv = dim / 2;
  const uint64_t vocabulary = 259 + tiny_pieces().size();
  GgufBuilder file;
  file.text("general.architecture", "llama");
  file.number("llama.embedding_length", static_cast<uint32_t>(dim)).number("llama.block_count", 1);
  file.number("llama.attention.head_count", 2).number("llama.attention.head_count_kv", 1);
  file.number("llama.feed_forward_length", static_cast<uint32_t>(hidden)).number("llama.context_length", 64);
  file.real("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  add_vocabulary(file, tiny_pieces());
  uint32_t state = 1;
  const auto add = [&](const std::string& name, std::vector<uint64_t> sizes) {
    uint64_t count = 1;
    for (uint64_t size : sizes) count *= size;
    std::string data;
    for (uint64_t i = 0; i < count; ++i) {
      state = state * 1664525 + 1013904223;
      data += raw(static_cast<float>(state >> 8) / (1 << 24) - 0.5f);
    }
    file.tensor(name, std::move(sizes), kF32, data);
  };
  add("token_embd.weight", {dim, vocabulary});
  add("blk.0.attn_norm.weight", {dim});
  add("blk.0.attn_q.weight", {dim, dim});
  add("blk.0.attn_k.weight", {dim, kv});
  add("blk.0.attn_v.weight", {dim, kv});
  add("blk.0.attn_output.weight", {dim, dim});
  add("blk.0.ffn_norm.weight", {dim});
  add("blk.0.ffn_gate.weight", {dim, hidden});
  add("blk.0.ffn_up.weight", {dim, hidden});
  add("blk.0.ffn_down.weight", {hidden, dim});
  add("output_norm.weight", {dim});
  return file;
}

}  // namespace test
