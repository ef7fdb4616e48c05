#include "tools/gguf/commands.h"

namespace bf::gguf {

namespace {

constexpr OptionRow kFormat = {"--format", "FORMAT",
                               "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K,\n"
                               "Q3_K_S, Q3_K_M, Q3_K_L, Q4_K_S, Q4_K_M, Q5_K_S,\n"
                               "Q5_K_M, Q6_K, IQ4_NL or IQ4_XS: what llama.cpp calls\n"
                               "so, some tensors in finer formats than most"};
constexpr OptionRow kPure = {"--pure", nullptr, "all matrices in the same format"};
constexpr OptionRow kThreads = {"--threads", "N", "threads that work (default: all cores)"};

constexpr OptionRow kRandomOptions[] = {
    kFormat,
    kPure,
    {"--like", "MODEL", "the shape of a model: tinyllama or small (default)"},
    {"--layers", "N", "another number of layers"},
    {"--dim", "N", "... size of the embeddings"},
    {"--hidden", "N", "... size of the feed-forward layers"},
    {"--heads", "N", "... number of attention heads"},
    {"--kv-heads", "N", "... number of key-value heads"},
    {"--context", "N", "... length of the context"},
    {"--tied", nullptr, "no output matrix: the embeddings take its place"},
    {"--vocabulary", "FILE", "the GGUF file whose vocabulary it gets"},
    {"--seed", "N", "of the weights (default: 1)"},
    kThreads,
};

constexpr OptionRow kInspectOptions[] = {
    {"--tensors", nullptr, "list the tensors, too"},
    {"--json", nullptr, "everything, as JSON"},
};

constexpr OptionRow kConvertOptions[] = {
    kFormat,
    kPure,
    {"--vocabulary", "FILE",
     "the vocabulary that belongs to a llama2.c checkpoint\n"
     "(tok*.bin)"},
    kThreads,
};

constexpr Command kCommands[] = {
    {"random", "OUT.gguf", 1, kRandomOptions, run_random,
     "makes a model of any shape with random weights",
     "Makes a Llama of random weights: the same ones for the same shape and seed, on\n"
     "every machine. It babbles, but computes as a trained one of its shape does."},
    {"inspect", "FILE.gguf", 1, kInspectOptions, run_inspect, "says what is in a file",
     "Prints metadata, formats and sizes; checks lengths, does not read weights."},
    {"convert", "IN OUT.gguf", 2, kConvertOptions, run_convert,
     "converts between formats, and checkpoints of llama2.c",
     "Converts a GGUF file from any format to another, or a checkpoint of llama2.c\n"
     "(IN ends in .bin) to GGUF."},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace bf::gguf
