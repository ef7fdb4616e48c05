// bf-gguf against llama.cpp: the same choices, and errors that are not larger than those of
// llama-quantize's files; checkpoints of llama2.c.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "../support/loaded_model.h"
#include "tools/gguf/checkpoint.h"
#include "tools/gguf/file_types.h"
#include "tools/gguf/source_model.h"

using namespace bf;
using namespace bf::gguf;

namespace {

std::vector<float> all_weights(const SourceModel& model, const inference::GgufTensor& tensor) {
  auto rows = model.rows(tensor);
  REQUIRE(rows);
  std::vector<float> weights(rows->rows * rows->columns + 16);
  for (u64 row = 0; row < rows->rows; ++row)
    rows->format->dequantize(weights.data() + row * rows->columns,
                             rows->data + row * rows->row_bytes, rows->columns);
  weights.resize(rows->rows * rows->columns);
  return weights;
}

double squared_distance(const std::vector<float>& x, const std::vector<float>& y) {
  double sum = 0;
  for (u64 i = 0; i < x.size(); ++i)
    sum += std::pow(static_cast<double>(x[i]) - static_cast<double>(y[i]), 2);
  return sum;
}

std::vector<float> quantized_weights(const Quantizer& quantizer, const std::vector<float>& x) {
  std::vector<u8> blocks(quantizer.bytes(x.size()));
  quantizer.quantize(blocks.data(), x.data(), x.size());
  std::vector<float> back(x.size() + 16);
  inference::find_format(quantizer.gguf_id)->dequantize(back.data(), blocks.data(), x.size());
  back.resize(x.size());
  return back;
}

}  // namespace

TEST_CASE("errors are not above those of llama-quantize") {
  const std::string exact_path = test::shared_model("formats/f32.gguf");
  if (exact_path.empty()) {
    WARN("skipped: no shared models");
    return;
  }
  auto exact = SourceModel::open(exact_path.c_str());
  REQUIRE(exact);
  for (const char* name : {"F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K_S",
                           "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q6_K", "IQ4_NL", "IQ4_XS"}) {
    const std::string path = test::shared_model("formats/" + std::string(name) + ".gguf");
    auto theirs = SourceModel::open(path.c_str());
    REQUIRE(theirs);
    double our_error = 0, their_error = 0;
    for (u64 i = 0; i < theirs->gguf().tensor_count(); ++i) {
      const auto& tensor = theirs->gguf().tensor(i);
      if (tensor.dimensions < 2) continue;
      const auto x = all_weights(*exact, *exact->gguf().find_tensor(tensor.name));
      their_error += squared_distance(x, all_weights(*theirs, tensor));
      our_error += squared_distance(x, quantized_weights(*find_quantizer(tensor.type), x));
    }
    const double ratio = std::sqrt(our_error / their_error);
    INFO(name << ": " << ratio << " times theirs");
    CHECK(ratio <= 1.02);
  }
}

TEST_CASE("a file's tensors get the formats that llama-quantize gives them") {
  const std::string path = test::shared_model("formats/Q4_K_M.gguf");
  if (path.empty()) {
    WARN("skipped: no shared models");
    return;
  }
  auto model = SourceModel::open(path.c_str());
  REQUIRE(model);
  const FormatChooser chooser(*find_file_type("q4_k_m"), false,
                              {.layers = 2, .heads_per_kv_head = 2, .tied = false});
  for (u64 i = 0; i < model->gguf().tensor_count(); ++i) {
    const auto& tensor = model->gguf().tensor(i);
    const std::string name = test::as_string(tensor.name);
    INFO(name);
    CHECK(chooser.choose(name, tensor.dimensions, tensor.sizes[0]).gguf_id == tensor.type);
  }
}

TEST_CASE("mixes of formats") {
  const ModelTraits tiny = {.layers = 22, .heads_per_kv_head = 8, .tied = false};
  const auto format = [&](const char* type, const char* tensor, u64 columns = 2048) {
    return std::string(
        FormatChooser(*find_file_type(type), false, tiny).choose(tensor, 2, columns).name);
  };
  CHECK(format("Q4_0", "output.weight") == "Q6_K");
  CHECK(format("Q4_0", "output.weight", 64) == "Q6_K");  // whose fallback is Q8_0
  CHECK(format("Q4_K", "output.weight", 64) == "Q8_0");
  CHECK(format("Q8_0", "output.weight") == "Q8_0");
  CHECK(format("Q4_0", "token_embd.weight") == "Q4_0");
  CHECK(format("Q4_0", "blk.3.ffn_gate.weight") == "Q4_0");
  CHECK(format("Q4_0", "blk.3.ffn_norm.weight") == "F32");
  // The first two, the last three, and every third between.
  std::string more;
  for (int layer = 0; layer < 22; ++layer)
    if (format("Q4_K_M", ("blk." + std::to_string(layer) + ".attn_v.weight").c_str()) == "Q6_K")
      more += std::to_string(layer) + " ";
  CHECK(more == "0 1 4 7 10 13 16 19 20 21 ");
  CHECK(format("Q3_K_M", "blk.0.ffn_down.weight") == "Q5_K");
  CHECK(format("Q3_K_M", "blk.1.ffn_down.weight") == "Q4_K");
  CHECK(format("Q3_K_M", "blk.1.attn_output.weight") == "Q4_K");
  CHECK(format("Q2_K", "blk.1.attn_v.weight") == "Q4_K");
  CHECK(format("Q2_K", "blk.1.ffn_down.weight") == "Q3_K");
  CHECK(find_file_type("Q9_0") == nullptr);
  const FormatChooser tied(*find_file_type("Q4_0"), false,
                           {.layers = 2, .heads_per_kv_head = 1, .tied = true});
  CHECK(tied.choose("token_embd.weight", 2, 2048).name == "Q6_K");
  const FormatChooser pure(*find_file_type("Q4_K_M"), true, tiny);
  CHECK(pure.choose("output.weight", 2, 2048).name == "Q4_K");
}

TEST_CASE("rows that are no multiple of a block") {
  const auto instead = [](const char* format, u64 columns) {
    return std::string(fallback(*find_quantizer(std::string_view(format)), columns).name);
  };
  CHECK(instead("Q4_K", 512) == "Q4_K");
  CHECK(instead("Q2_K", 64) == "Q4_0");
  CHECK(instead("Q3_K", 64) == "Q4_0");
  CHECK(instead("Q4_K", 64) == "Q5_0");
  CHECK(instead("Q5_K", 64) == "Q5_1");
  CHECK(instead("Q6_K", 64) == "Q8_0");
  CHECK(instead("IQ4_XS", 64) == "IQ4_NL");
  CHECK(instead("Q4_K", 172) == "F16");
  CHECK(instead("Q8_0", 172) == "F16");
}
