// The GGUF reader and the model loader: good files load, and whatever is wrong with a bad one is
// said in one line.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"

using namespace test;

namespace {

// Loads the file; the error message, or "" if it loads.
std::string load(const std::string& bytes) {
  // An allocation of its own, without slack behind it: the address sanitizer sees every byte.
  LoadedModel model{std::string(bytes)};
  REQUIRE(model.loaded == model.message().empty());
  return model.message();
}

void check_refused(const GgufBuilder& file, const std::string& reason) {
  const std::string message = load(file.build());
  CHECK_THAT(message, Catch::Matchers::StartsWith("model: "));
  CHECK_THAT(message, Catch::Matchers::Contains(reason));
  CHECK(message.find('\n') == std::string::npos);
}

}  // namespace

TEST_CASE("a small valid file loads, as version 2 and 3") {
  GgufBuilder file = tiny_llama();
  CHECK(load(file.build()) == "");
  file.version = 2;
  CHECK(load(file.build()) == "");
}

TEST_CASE("metadata is found by name and type") {
  GgufBuilder file;
  file.number("n", 7).real("r", 1.5f).flag("b", true).text("t", "hello");
  file.entry("minus", 5, raw<int32_t>(-3)).entry("wide", 10, raw<uint64_t>(1));
  file.array("a", 0, 3, "abc");
  const std::string bytes = file.build();
  inference::Gguf gguf;
  inference::Error error;
  REQUIRE(gguf.parse(as_bytes(bytes), error));
  inference::u64 number = 0;
  float real = 0;
  bool flag = false;
  inference::Text text;
  inference::GgufArray array;
  CHECK((gguf.find_integer("n", number) && number == 7));
  CHECK((gguf.find_integer("wide", number) && number == 1));
  CHECK_FALSE(gguf.find_integer("minus", number));
  CHECK_FALSE(gguf.find_integer("t", number));
  CHECK_FALSE(gguf.find_integer("absent", number));
  CHECK((gguf.find_float("r", real) && real == 1.5f));
  CHECK((gguf.find_bool("b", flag) && flag));
  CHECK((gguf.find_text("t", text) && as_string(text) == "hello"));
  CHECK((gguf.find_array("a", array) && array.count == 3 && array.data[2] == 'c'));
}

TEST_CASE("a file cut at any byte is refused") {
  const std::string whole = tiny_llama().build();
  // All of the head; of the weights, where nothing but lengths can change, every hundredth byte.
  const size_t head = whole.size() - 60'000;
  size_t refused = 0, tried = 0;
  for (size_t size = 0; size < whole.size(); size += size < head ? 1 : 101, ++tried)
    refused += load(whole.substr(0, size)).empty() ? 0 : 1;
  CHECK(refused == tried);
  // Padding behind the last tensor may be missing, its last byte not.
  CHECK(load(whole.substr(0, whole.size() - 1)) != "");
}

TEST_CASE("no model, an empty one, and other files") {
  LoadedModel none{""};
  CHECK_THAT(none.message(), Catch::Matchers::Contains("empty"));
  inference::Gguf gguf;
  inference::Error error;
  CHECK_FALSE(gguf.parse({}, error));
  CHECK_THAT(as_string(error.text()), Catch::Matchers::Contains("there is none"));
  CHECK_THAT(load("PK\x03\x04 this is no model at all, is it?"),
             Catch::Matchers::Contains("not a GGUF file"));
  CHECK_THAT(load("PK\x03\x04"), Catch::Matchers::Contains("not a GGUF file"));
  CHECK_THAT(load("GGUF"), Catch::Matchers::Contains("only 4 bytes"));
}

TEST_CASE("versions and byte orders that are not supported") {
  GgufBuilder file = tiny_llama();
  for (uint32_t version : {0u, 1u, 4u, 65535u}) {
    file.version = version;
    check_refused(file, "version " + std::to_string(version));
  }
  file.version = 3u << 24;
  check_refused(file, "big-endian");
}

TEST_CASE("absurd counts and lengths") {
  for (int64_t count : {int64_t{1} << 40, INT64_MAX}) {
    GgufBuilder file = tiny_llama();
    file.tensor_count = count;
    check_refused(file, "tensors, more than fit");
    file = tiny_llama();
    file.entry_count = count;
    check_refused(file, "metadata entries, more than fit");
    file = tiny_llama();
    file.array("x", 8, static_cast<uint64_t>(count), "");
    check_refused(file, "the value of 'x'");
    file.array("x", 10, static_cast<uint64_t>(count), "");
    check_refused(file, "the value of 'x'");
    file.entry("x", 8, raw(count));
    check_refused(file, "the value of 'x'");
  }
  GgufBuilder file = tiny_llama();
  file.entry_count = static_cast<int64_t>(file.entries.size()) + 1;
  CHECK(load(file.build()) != "");
  file = tiny_llama();
  file.entry("x", 99, "");
  check_refused(file, "unknown value type of 'x'");
  file = tiny_llama();
  file.array("x", 9, 1, raw<uint32_t>(0) + raw<uint64_t>(0));
  check_refused(file, "unknown element type of 'x'");
}

TEST_CASE("tensors that cannot be") {
  GgufBuilder file = tiny_llama();
  file.find("output_norm.weight").offset = 1 << 30;
  check_refused(file, "beyond the end of the file of tensor 'output_norm.weight'");
  file = tiny_llama();
  file.find("output_norm.weight").offset = static_cast<int64_t>(UINT64_MAX / 2 - 31) / 32 * 32;
  check_refused(file, "beyond the end");
  file = tiny_llama();
  file.find("output_norm.weight").offset = 33;
  check_refused(file, "misaligned data of tensor 'output_norm.weight'");
  file = tiny_llama();
  file.find("token_embd.weight").offset =
      static_cast<int64_t>(file.build().size() / 32 * 32 - 4096);
  check_refused(file, "'token_embd.weight'");
  file = tiny_llama();
  file.find("output_norm.weight").sizes = {1, 1, 1, 1, 1};
  check_refused(file, "number of dimensions");
  file = tiny_llama();
  file.find("output_norm.weight").sizes = {};
  check_refused(file, "number of dimensions");
  file = tiny_llama();
  file.tensor("output_norm.weight", {32}, kF32, std::string(128, '\0'));
  check_refused(file, "tensor twice");
  file = tiny_llama();
  std::erase_if(file.tensors, [](const auto& t) { return t.name == "blk.0.ffn_up.weight"; });
  check_refused(file, "'blk.0.ffn_up.weight' is missing");
  file = tiny_llama();
  file.find("blk.0.ffn_up.weight").sizes = {40, 32};
  check_refused(file, "'blk.0.ffn_up.weight' is 32 x 40, expected 40 x 32");
  file = tiny_llama();
  file.find("blk.0.attn_k.weight").type = 16;
  check_refused(file,
                "'blk.0.attn_k.weight' has format IQ2_XXS (16), which is not supported: use a "
                "file of formats F32, F16, Q4_0, ");
  file = tiny_llama();
  file.find("blk.0.attn_k.weight").type = 4242;
  check_refused(file, "format unknown (4242)");
  file = tiny_llama();
  file.find("blk.0.ffn_down.weight").type = kQ8_0;  // rows of 40
  check_refused(file, "not whole blocks of Q8_0");
  for (const inference::Format& format : inference::formats()) {
    if (32 % format.block_elements == 0) continue;
    file = tiny_llama();
    file.find("blk.0.attn_k.weight").type = format.gguf_id;
    check_refused(file, "have 32 elements, not whole blocks of " + as_string(format.name));
  }
  for (uint64_t huge : {uint64_t{1} << 40, UINT64_MAX, UINT64_MAX / 4 + 1}) {
    file = tiny_llama();
    file.find("token_embd.weight").sizes[1] = huge;
    check_refused(file, "token_embd.weight");
    file = tiny_llama();
    file.find("token_embd.weight").sizes[0] = huge;
    check_refused(file, "token_embd.weight");
  }
}

TEST_CASE("metadata that cannot be") {
  const auto with = [](const std::string& key, uint32_t value) {
    return tiny_llama().number(key, value);
  };
  check_refused(with("llama.attention.head_count", 0), "head_count is 0");
  check_refused(with("llama.attention.head_count_kv", 0), "head_count_kv is 0");
  check_refused(with("llama.attention.head_count", 5), "does not divide");
  check_refused(with("llama.attention.head_count_kv", 3), "do not divide");
  check_refused(with("llama.attention.head_count", 32).number("llama.attention.head_count_kv", 32),
                "is odd");
  check_refused(with("llama.embedding_length", 0), "embedding_length is 0");
  check_refused(with("llama.embedding_length", 0xffffffff), "embedding_length");
  check_refused(with("llama.block_count", 0), "block_count is 0");
  check_refused(with("llama.block_count", 2), "'blk.1.attn_norm.weight' is missing");
  check_refused(with("llama.block_count", 0xffffffff), "block_count");
  check_refused(with("llama.feed_forward_length", 0xffffffff), "feed_forward_length");
  check_refused(with("llama.context_length", 0), "context_length is 0");
  check_refused(with("llama.context_length", 0xffffffff), "context_length");
  check_refused(with("llama.rope.dimension_count", 3), "dimension_count is 3");
  check_refused(with("llama.rope.dimension_count", 64), "dimension_count is 64");
  check_refused(with("llama.attention.value_length", 8), "value_length is 8");
  check_refused(with("general.alignment", 0), "alignment is 0");
  check_refused(with("general.alignment", 24), "alignment is 24");
  check_refused(tiny_llama().real("llama.attention.layer_norm_rms_epsilon", NAN), "epsilon");
  check_refused(tiny_llama().real("llama.rope.freq_base", -1), "freq_base");
  check_refused(tiny_llama().text("llama.rope.scaling.type", "longrope"), "scaling 'longrope'");
  check_refused(tiny_llama().text("llama.block_count", "two"), "block_count is no positive number");
  check_refused(tiny_llama().without("llama.block_count"), "block_count is missing");
  check_refused(tiny_llama().without("general.architecture"), "architecture is missing");
  check_refused(tiny_llama().text("general.architecture", "gpt2"), "architecture 'gpt2'");
  GgufBuilder twice = tiny_llama();
  twice.entries.push_back(twice.entries.front());
  check_refused(twice, "metadata key twice");
}

TEST_CASE("tokenizers that cannot be") {
  check_refused(tiny_llama().without("tokenizer.ggml.model"), "no tokenizer");
  check_refused(tiny_llama().text("tokenizer.ggml.model", "bert"), "tokenizer 'bert'");
  check_refused(tiny_llama().text("tokenizer.ggml.model", "gpt2"), "has no merges");
  check_refused(
      tiny_llama().text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "viking"),
      "pre-tokenizer 'viking'");
  check_refused(tiny_llama().without("tokenizer.ggml.tokens"), "no pieces");
  check_refused(tiny_llama().array("tokenizer.ggml.scores", 6, 1, raw(1.0f)), "no score");
  check_refused(tiny_llama().array("tokenizer.ggml.token_type", 5, 1, raw(1)), "no type");
  check_refused(tiny_llama().array("tokenizer.ggml.tokens", 8, 1, gguf_string("a")),
                "1 tokenizer pieces for an embedding of");
}

TEST_CASE("what llama.cpp makes do without") {
  CHECK(load(tiny_llama().without("tokenizer.ggml.scores").build()) == "");
  CHECK(load(tiny_llama().array("tokenizer.ggml.scores", 6, 1000, std::string(4000, 'a')).build()) == "");
  LoadedModel none{tiny_llama().number("tokenizer.ggml.bos_token_id", 0xffffffff).build()};
  CHECK(none.loaded);
  CHECK(none.tokenizer.begin_token() == 1);
}

TEST_CASE("tensors that nothing uses are refused") {
  GgufBuilder file = tiny_llama();
  auto more = file.find("blk.0.ffn_norm.weight");
  for (const char* name : {"blk.0.attn_q_norm.weight", "output.bias", "blk.0.ffn_gate.bias"}) {
    more.name = name;
    file.tensors.push_back(more);
    check_refused(file, std::string("tensor '") + name + "' is not supported");
    file.tensors.pop_back();
  }
}

TEST_CASE("scaling of RoPE, as files of several times have it") {
  const auto scale = [](const GgufBuilder& file) {
    const LoadedModel model{file.build()};
    CHECK(model.message() == "");
    return model.model.shape.rope.scale;
  };
  const auto with = [](const char* key, float value) { return tiny_llama().real(key, value); };
  CHECK(scale(tiny_llama()) == 1.0f);
  CHECK(scale(with("llama.rope.scaling.factor", 4)) == 0.25f);  // without a type it is linear
  CHECK(scale(with("llama.rope.scale_linear", 4)) == 0.25f);
  CHECK(scale(with("llama.rope.scale_linear", 4).real("llama.rope.scaling.factor", 2)) == 0.5f);
  CHECK(scale(with("llama.rope.scaling.factor", 4).text("llama.rope.scaling.type", "none")) == 1.0f);
  CHECK(scale(with("llama.rope.scaling.factor", 0).text("llama.rope.scaling.type", "linear")) == 1.0f);
  check_refused(with("llama.rope.scaling.factor", -1), "scaling.factor is no positive number");
  const LoadedModel model{with("llama.rope.scaling.attn_factor", 1.5f).build()};
  CHECK(model.model.shape.rope.magnitude() == 1.5);
}

TEST_CASE("an absurd context is halved until it fits") {
  LoadedModel model{tiny_llama().number("llama.context_length", 1 << 24).build()};
  CHECK(model.loaded);
  CHECK(model.transformer.context() >= 64);
}

TEST_CASE("memory that is short is said in MiB") {
  LoadedModel model{tiny_llama().build()};
  REQUIRE(model.loaded);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit nothing = {1, 1};  // no more address space: nothing can be mapped
    setrlimit(RLIMIT_AS, &nothing);
    inference::Transformer transformer;
    inference::Error error;
    const bool prepared = transformer.prepare(model.model, {}, error);
    const std::string_view text(error.text().data, error.text().size);
    _exit(!prepared && text.find(" MiB: give the machine more memory") != text.npos ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("weights that are infinite or NaN are refused, in every format") {
  for (const inference::Format& format : inference::formats()) {
    const uint64_t dim = std::max(format.block_elements, 32u);
    uint64_t at = 0;  // the first float of a block
    const inference::Field* field = format.fields;
    for (; field->floats == inference::Floats::None; ++field) at += field->unit_bytes * field->count;
    // Embeddings stay as they are in the file, where they are not the output matrix, too.
    const char* const names[] = {"blk.0.ffn_up.weight", "token_embd.weight"};
    for (const auto& [name, high] : {std::pair{names[0], 0x7c00}, {names[0], 0xfe01},
                                     {names[1], 0x7c00}, {names[1], 0xfe01}}) {
      GgufBuilder file = tiny_llama(dim, dim);
      const auto embedding = file.find("token_embd.weight");
      file.tensor("output.weight", embedding.sizes, embedding.type, embedding.data);
      auto& tensor = file.find(name);
      tensor.type = format.gguf_id;
      const uint64_t rows = tensor.sizes[1];
      tensor.data.assign(rows * format.row_bytes(dim), '\0');
      CHECK(load(file.build()) == "");
      // The upper half of the float; of a half, all of it.
      const auto bits = static_cast<uint16_t>(field->floats == inference::Floats::Half ? high : high | 0x7f80);
      const uint64_t upper = field->floats == inference::Floats::Single ? 2 : 0;
      std::memcpy(tensor.data.data() + (rows - 1) * format.row_bytes(dim) + at + upper, &bits, 2);
      INFO(as_string(format.name));
      check_refused(file, "'" + std::string(name) + "' has weights that are infinite or NaN");
    }
  }
  GgufBuilder file = tiny_llama();
  const float nan = NAN;
  std::memcpy(file.find("output_norm.weight").data.data() + 8, &nan, 4);
  check_refused(file, "'output_norm.weight' has weights that are infinite or NaN");
}

TEST_CASE("tensors that share bytes are refused") {
  GgufBuilder file = tiny_llama();
  file.find("blk.0.attn_k.weight").offset = 32;  // into the embedding
  check_refused(file, "tensors 'token_embd.weight' and 'blk.0.attn_k.weight' overlap");
}
