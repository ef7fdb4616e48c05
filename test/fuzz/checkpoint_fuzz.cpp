// Fuzzes checkpoints of llama2.c and their vocabularies: whatever the bytes are, they are refused,
// or all that they are said to hold is in them.
//
//   checkpoint_fuzz ROUNDS
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "mutate.h"
#include "tools/gguf/checkpoint.h"

namespace {

using namespace bf;

struct Counts {
  u64 inputs = 0, accepted = 0;
} counts;

void demand(bool condition) {
  if (!condition) __builtin_trap();
}

fuzz::Bytes small_checkpoint() {
  constexpr i32 kHeader[7] = {8, 12, 1, 2, 1, 5, 4};
  constexpr u64 kFloats = 5 * 8 + 2 * 8 + 2 * 64 + 2 * 32 + 3 * 96 + 8 + 4 * 4;
  fuzz::Bytes bytes(sizeof kHeader + kFloats * sizeof(float), 1);
  std::memcpy(bytes.data(), kHeader, sizeof kHeader);
  return bytes;
}

fuzz::Bytes small_vocabulary() {
  fuzz::Bytes bytes(4, 3);
  for (const std::string_view piece : {"<unk>", "<s>", "</s>", "<0x00>", " a"}) {
    const u8 head[8] = {0, 0, 0x80, 0x3f, static_cast<u8>(piece.size()), 0, 0, 0};
    bytes.insert(bytes.end(), head, head + sizeof head);
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  }
  return bytes;
}

void read_checkpoint(const fuzz::Bytes& bytes) {
  ++counts.inputs;
  auto checkpoint = gguf::Checkpoint::parse("fuzz.bin", bytes);
  if (!checkpoint) return;
  ++counts.accepted;
  gguf::ModelWriter model;
  checkpoint->describe(model);
  for (const auto& tensor : checkpoint->tensors()) {
    u64 size = sizeof(float);
    for (const u64 s : tensor.sizes) size *= s;
    demand(tensor.data >= bytes.data() + 28);
    demand(size <= static_cast<u64>(bytes.data() + bytes.size() - tensor.data));
  }
}

void read_vocabulary(const fuzz::Bytes& bytes) {
  ++counts.inputs;
  auto vocabulary = gguf::CheckpointVocabulary::parse("fuzz.bin", bytes, 5);
  if (!vocabulary) return;
  ++counts.accepted;
  gguf::ModelWriter model;
  vocabulary->describe(model);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
  fuzz::Mutator mutator(1);
  const fuzz::Bytes checkpoint = small_checkpoint(), vocabulary = small_vocabulary();
  read_checkpoint(checkpoint);
  read_vocabulary(vocabulary);
  const bool seeds_are_good = counts.accepted == 2;
  for (int i = 0; i < rounds; ++i) {
    // Most of a checkpoint is weights, which may be anything.
    fuzz::Bytes head(checkpoint.begin(), checkpoint.begin() + 28);
    if (i % 2 == 0) head = mutator.mutate(std::move(head));
    head.insert(head.end(), checkpoint.begin() + 28, checkpoint.end());
    read_checkpoint(i % 2 == 0 ? head : mutator.mutate(checkpoint));
    read_vocabulary(mutator.mutate(vocabulary));
  }
  std::printf("%llu inputs, %llu accepted\n", static_cast<unsigned long long>(counts.inputs),
              static_cast<unsigned long long>(counts.accepted));
  return seeds_are_good && counts.accepted > 100 ? 0 : 1;
}
