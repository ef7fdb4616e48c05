// Fuzzes the model file: whatever the bytes are, they are refused with a message, or every part
// that read them works: the tokenizer encodes, the transformer gives logits.
//
//   gguf_fuzz ROUNDS [FILE.gguf...]   deterministic mutations of built-in seeds and the files
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"
#include "../support/random_weights.h"
#include "inference/detokenizer.h"
#include "mutate.h"

namespace {

using namespace inference;

struct Counts {
  u64 inputs = 0, parsed = 0, vocabularies = 0, accepted = 0;
} counts;

// A bug that is no wild access: an input was refused without a word, or accepted with one.
void demand(bool condition) {
  if (!condition) __builtin_trap();
}

void use(const Model& model, const Tokenizer& tokenizer, Transformer& transformer) {
  List<u32> tokens;
  demand(tokenizer.encode("ab <s> \xc3\xa9\xff", {.begin = true, .special = true}, tokens));
  const u64 count = tokens.size();
  Detokenizer detokenizer(tokenizer, true);
  for (u64 i = 0; i < count; ++i) {
    demand(tokens[i] < model.shape.vocabulary);
    detokenizer.put(tokens[i]);
  }
  if (count > 0) transformer.forward(tokens.data(), min(count, transformer.context()), 0);
}

// The tokenizer by itself, as for a file without weights.
void load_vocabulary(const Gguf& gguf) {
  Error error;
  Tokenizer tokenizer;
  const bool loaded = tokenizer.load(gguf, Tokenizer::kAnySize, error);
  demand(loaded == error.empty());
  if (!loaded) return;
  ++counts.vocabularies;
  List<u32> tokens;
  demand(tokenizer.encode("<s>ab  <x>\n12345 I'LL\xe2\x96\x81\xff\xf0\x9f", {.special = true}, tokens));
  Detokenizer detokenizer(tokenizer, true);
  for (u64 i = 0; i < tokens.size(); ++i) {
    demand(tokens[i] < tokenizer.size());
    detokenizer.put(tokens[i]);
  }
}

void load(MutableBytes file) {
  ++counts.inputs;
  Error error;
  Gguf gguf;
  const bool parsed = gguf.parse(file, error);
  demand(parsed == error.empty());
  if (!parsed) return;
  ++counts.parsed;
  load_vocabulary(gguf);
  Model model;
  Tokenizer tokenizer;
  Transformer transformer;
  constexpr u64 kContext = 24;
  const bool loaded = model.load(gguf, file, error) &&
                      tokenizer.load(gguf, model.shape.vocabulary, error) &&
                      transformer.prepare(model, {.context = kContext}, error);
  demand(loaded == error.empty());
  if (!loaded) return;
  ++counts.accepted;
  use(model, tokenizer, transformer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::vector<uint8_t> file(bytes, bytes + size);  // loading rearranges it
  load({file.data(), size});
  return 0;
}

#ifndef BF_LIBFUZZER
namespace {

// Memory whose end is the end of a page, with nothing mapped behind: reading on faults.
class GuardedBytes {
 public:
  explicit GuardedBytes(u64 capacity) : capacity_(round_up(capacity, kPage)) {
    void* memory = mmap(nullptr, capacity_ + kPage, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    demand(memory != MAP_FAILED);
    start_ = static_cast<u8*>(memory);
    demand(mprotect(start_ + capacity_, kPage, PROT_NONE) == 0);
  }
  ~GuardedBytes() { munmap(start_, capacity_ + kPage); }

  void run(const u8* bytes, u64 size) {
    size = min(size, capacity_);
    u8* place = start_ + capacity_ - size;
    copy_bytes(place, bytes, size);
    load({place, size});
  }

 private:
  static constexpr u64 kPage = 4096;
  u64 capacity_;
  u8* start_;
};

// The tiny model with its matrices in another format, where its columns are whole blocks.
std::string tiny_quantized(const Format& format) {
  const u64 dim = max<u64>(format.block_elements, 32);
  test::GgufBuilder file = test::tiny_llama(dim, dim);
  for (auto& tensor : file.tensors) {
    if (tensor.sizes.size() != 2) continue;
    tensor.type = format.gguf_id;
    tensor.data.resize(tensor.sizes[1] * format.row_bytes(tensor.sizes[0]));
    auto* block = reinterpret_cast<uint8_t*>(tensor.data.data());
    for (u64 at = 0; at < tensor.data.size(); at += format.block_bytes)
      test::sensible_scales(format, block + at, [] { return 0.5f; });
  }
  return file.build();
}

// The tiny model with a vocabulary of byte pairs.
std::string tiny_byte_pairs() {
  test::GgufBuilder file = test::tiny_llama();
  test::add_byte_pairs(file, "llama-bpe",
                       {{"a", "b"}, {"\u0120", "ab"}, {"1", "2"}, {"12", "3"}, {"\u0120ab", "a"},
                        {"a", "a"}, {"aa", "aa"}, {"\u0120", "\u0120"}, {"'", "L"}});
  return file.build();
}

bool fuzz_seed(const std::string& seed, int rounds, u64 number) {
  GuardedBytes memory(2 * seed.size() + 4096);
  const auto* bytes = reinterpret_cast<const u8*>(seed.data());
  const u64 accepted = counts.accepted;
  memory.run(bytes, seed.size());
  if (counts.accepted == accepted) {
    std::fprintf(stderr, "seed %llu was refused\n", static_cast<unsigned long long>(number));
    return false;
  }
  bf::fuzz::Mutator mutator(number + 1);
  // Most of a file is weights, which may be anything: two thirds of the mutations leave them alone.
  const u64 head = min<u64>(seed.size(), 16'384);
  for (int i = 0; i < rounds; ++i) {
    const u64 changed = i % 3 == 0 ? seed.size() : (i % 3 == 1 ? head : min<u64>(head, 2048));
    auto mutated = mutator.mutate({bytes, bytes + changed});
    mutated.insert(mutated.end(), bytes + changed, bytes + seed.size());
    memory.run(mutated.data(), mutated.size());
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  std::vector<std::string> seeds = {test::tiny_llama().build(), tiny_byte_pairs()};
  for (const Format& format : formats()) seeds.push_back(tiny_quantized(format));
  for (int i = 2; i < argc; ++i) seeds.push_back(test::read_file(argv[i]));
  bool good = true;
  for (u64 i = 0; i < seeds.size(); ++i) good = fuzz_seed(seeds[i], rounds, i) && good;
  std::printf("%zu seeds, %llu inputs, %llu parsed, %llu vocabularies, %llu accepted\n", seeds.size(),
              static_cast<unsigned long long>(counts.inputs),
              static_cast<unsigned long long>(counts.parsed),
              static_cast<unsigned long long>(counts.vocabularies),
              static_cast<unsigned long long>(counts.accepted));
  // A fuzzer whose every input is refused at the door tests nothing.
  return good && counts.accepted > 10 * seeds.size() ? 0 : 1;
}
#endif
