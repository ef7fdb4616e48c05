// bf-lower: LLVM bitcode in, an image of BareFlow IR out.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "microjit/ir/image.h"
#include "microjit/ir/text.h"
#include "microjit/lower/lower.h"

namespace {

constexpr const char* kUsage =
    "usage: bf-lower IN.bc [IN2.bc ...] -o OUT.bfir [--text OUT.ir]\n"
    "\n"
    "Lowers LLVM 19 bitcode (or .ll assembly) to an image of BareFlow IR. Several inputs are\n"
    "linked first. Functions that are declared but not defined become the image's imports.\n"
    "\n"
    "  -o FILE      the image\n"
    "  --text FILE  the same as text, to read\n"
    "  --help       this\n";

struct Arguments {
  std::vector<std::string> inputs;
  std::string image, text;
};

// False, with a line on standard error: not understood.
bool parse(int count, char** words, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "-o" || word == "--text") {
      if (++i == count) {
        std::fprintf(stderr, "bf-lower: %s needs a file name\n", word.c_str());
        return false;
      }
      (word == "-o" ? arguments.image : arguments.text) = words[i];
    } else if (word.starts_with("-")) {
      std::fprintf(stderr, "bf-lower: no such option: %s (see --help)\n", word.c_str());
      return false;
    } else {
      arguments.inputs.push_back(word);
    }
  }
  if (!arguments.inputs.empty() && !arguments.image.empty()) return true;
  std::fprintf(stderr, "bf-lower: give at least one input, and -o for the image (see --help)\n");
  return false;
}

bool write_file(const std::string& path, const void* bytes, size_t count) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  const bool good = file && std::fwrite(bytes, 1, count, file) == count;
  if (file && std::fclose(file) == 0 && good) return true;
  std::fprintf(stderr, "bf-lower: cannot write %s: %s\n", path.c_str(), std::strerror(errno));
  std::remove(path.c_str());
  return false;
}

}  // namespace

int main(int count, char** words) {
  for (int i = 1; i < count; ++i)
    if (std::strcmp(words[i], "--help") == 0) return std::fputs(kUsage, stdout) < 0;
  Arguments arguments;
  if (!parse(count, words, arguments)) return 2;

  const bf::lower::Lowered lowered = bf::lower::lower_files(arguments.inputs);
  for (const std::string& error : lowered.errors)
    std::fprintf(stderr, "bf-lower: %s\n", error.c_str());
  if (!lowered.errors.empty()) {
    std::remove(arguments.image.c_str());
    return 1;
  }
  const std::vector<bf::u8> image = bf::ir::write_image(lowered.module);
  if (!write_file(arguments.image, image.data(), image.size())) return 1;
  if (arguments.text.empty()) return 0;
  bf::ir::Text text;
  bf::ir::print(lowered.module, text);
  return write_file(arguments.text, text.data(), text.size()) ? 0 : 1;
}
