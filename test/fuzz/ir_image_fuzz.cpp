// Fuzzes the IR image: whatever the bytes are, reading them ends in a module that every tier can
// take, or in an Error. What verifies is decoded for the interpreter and compiled, not run.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "arch/host/command_line.h"
#include "microjit/ir/image.h"
#include "microjit/ir/text.h"
#include "microjit/microjit.h"
#include "microjit/interp/interp.h"
#include "microjit/tiers/baseline.h"
#include "mutate.h"

namespace {

using namespace bf;

u64 accepted = 0;

void exercise(ir::Module module) {
  std::vector<microjit::NamedAddress> imports;
  for (const ir::Import& i : module.imports)
    imports.push_back({module.string(i.name), reinterpret_cast<const void*>(&exercise)});
  for (const ir::Data& d : module.data)
    if (d.size > 1 << 20) return;
  microjit::EngineOptions options;
  options.log = false;
  options.code_bytes = 1 << 20;
  auto engine = microjit::Engine::create(std::move(module), imports, options);
  if (!engine) return;
  ++accepted;
  for (const auto& state : (*engine)->functions()) {
    const auto code = microjit::compile_baseline((*engine)->module(), *state->function,
                                                 {.features = platform::cpu_features()});
    if (!code && code.error().message()[0] == 0) __builtin_trap();
    std::vector<microjit::FunctionState*> functions;
    for (const auto& s : (*engine)->functions()) functions.push_back(s.get());
    std::vector<const void*> addresses((*engine)->module().imports.size());
    std::vector<u8*> data((*engine)->module().data.size());
    microjit::interp::decode((*engine)->module(), *state->function,
                             {functions.data(), addresses.data(), data.data()});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* bytes, usize size) {
  if (auto module = ir::read_image({bytes, size})) exercise(std::move(*module));
  std::vector<u8> sealed(bytes, bytes + size);
  ir::seal_image(sealed);  // once more with the right checksum: past the first door
  if (auto module = ir::read_image(sealed)) exercise(std::move(*module));
  return 0;
}

#ifndef BF_LIBFUZZER
namespace {

bool cut_everywhere(const std::vector<u8>& image) {
  for (usize size = 0; size < image.size(); ++size)
    if (ir::read_image({image.data(), size})) return false;
  return true;
}

}  // namespace

// Arguments: how many mutations per seed, then IR text files, the seeds.
int main(int argc, char** argv) {
  const char* const no_arguments[] = {"ir_image_fuzz"};
  host::start(1, no_arguments);
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 0;
  u64 seeds = 0, inputs = 0;
  for (int i = 2; i < argc; ++i) {
    std::ifstream in(argv[i]);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    auto module = ir::parse_text(text);
    if (!module) continue;  // the cases that are meant to be wrong
    const auto image = ir::write_image(*module);
    if (!cut_everywhere(image)) {
      std::fprintf(stderr, "%s: a cut image was accepted\n", argv[i]);
      return 1;
    }
    ++seeds;
    fuzz::Mutator mutator(seeds);
    for (int round = 0; round < rounds; ++round, ++inputs) {
      const auto mutated = mutator.mutate(image);
      LLVMFuzzerTestOneInput(mutated.data(), mutated.size());
    }
  }
  std::printf("%llu seeds, %llu inputs, %llu accepted\n", static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(inputs), static_cast<unsigned long long>(accepted));
  // A fuzzer whose every input is refused at the door tests nothing.
  return seeds > 0 && accepted > seeds ? 0 : 1;
}
#endif
