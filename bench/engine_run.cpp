// Runs an image's main in the engine, for `./bareflow bench jit`: no log, no profile written.
//
//   engine-run [--tier TIER] [--no-profile] FILE.bfir [ARGS]
//
// What the image imports is taken from this process: the C library.
#include <dlfcn.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "microjit/ir/image.h"
#include "microjit/microjit.h"

namespace {

using namespace bf;
using namespace bf::microjit;

int fail(const char* what) {
  std::fprintf(stderr, "engine-run: %s\n", what);
  return 125;
}

std::vector<NamedAddress> c_library(const ir::Module& module) {
  std::vector<NamedAddress> addresses;
  for (const ir::Import& import : module.imports) {
    const std::string_view name = module.string(import.name);
    addresses.push_back({name, dlsym(RTLD_DEFAULT, std::string(name).c_str())});
  }
  return addresses;
}

int run(EngineOptions options, int count, char** words) {
  std::ifstream in(words[0], std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  auto module = ir::read_image({reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
  if (!module) return fail(module.error().message());
  const std::vector<NamedAddress> imports = c_library(*module);
  auto engine = Engine::create(std::move(*module), imports, options);
  if (!engine) return fail(engine.error().message());
  auto* const main = (*engine)->function<int(int, char**)>("main");
  if (!main) return fail("there is no main");
  const int status = main(count, words);
  std::fflush(stdout);
  return status;
}

}  // namespace

int main(int count, char** words) {
  EngineOptions options;
  options.log = false;
  options.code_bytes = usize{64} << 20;
  int at = 1;
  for (; at < count && words[at][0] == '-'; ++at) {
    const std::string_view word = words[at];
    if (word == "--no-profile")
      options.profile = false;
    else if (word != "--tier" || ++at == count || !parse_tier_policy(words[at], options.policy))
      return fail("what is that option?");
  }
  if (at == count) return fail("usage: engine-run [--tier TIER] [--no-profile] FILE.bfir [ARGS]");
  return run(options, count - at, words + at);
}
