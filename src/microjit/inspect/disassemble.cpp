#include "microjit/inspect/disassemble.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace bf::microjit {

namespace {

// The code's bytes in a file for the length of a scope.
class CodeFile {
 public:
  explicit CodeFile(const Version& v) {
    const int file = mkstemp(name_);
    if (file < 0) return;
    ok_ = write(file, v.entry, v.code_bytes) == static_cast<ssize_t>(v.code_bytes);
    close(file);
  }
  ~CodeFile() { unlink(name_); }
  CodeFile(const CodeFile&) = delete;
  bool ok() const { return ok_; }
  const char* name() const { return name_; }

 private:
  char name_[32] = "/tmp/bareflow-code-XXXXXX";
  bool ok_ = false;
};

// Instructions as `(offset, text)`; nothing if there is no tool.
struct Line {
  u32 offset;
  std::string text;
};
std::vector<Line> decode(const CodeFile& code) {
  std::vector<Line> lines;
  const std::string command =
      std::string("objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn ") + code.name() +
      " 2>/dev/null";
  std::FILE* output = popen(command.c_str(), "r");
  if (!output) return lines;
  char line[512];
  while (std::fgets(line, sizeof line, output)) {
    char* end = nullptr;
    const unsigned long offset = std::strtoul(line, &end, 16);
    if (end == line || *end != ':') continue;
    std::string text = end + 1;
    const usize first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t\n");
    if (first == std::string::npos) continue;
    lines.push_back({static_cast<u32>(offset), text.substr(first, last - first + 1)});
  }
  pclose(output);
  return lines;
}

// A sample belongs to the last instruction that starts at or before it.
std::vector<u64> counts_of(const std::vector<Line>& lines, const Version& v,
                           std::span<const u64> samples, u64& all) {
  std::vector<u64> counts(lines.size());
  for (const u64 pc : samples) {
    const u64 offset = pc - reinterpret_cast<u64>(v.entry);
    if (offset >= v.code_bytes) continue;
    usize at = 0;
    while (at + 1 < lines.size() && lines[at + 1].offset <= offset) ++at;
    ++counts[at];
    ++all;
  }
  return counts;
}

void append_place(const ir::Module& module, ir::Location location, Text& text) {
  const u32 file = ir::location_file(location);
  if (file >= module.files.size()) return;
  const auto name = module.string(module.files[file]);
  text.format("; %.*s:%u\n", static_cast<int>(name.size()), name.data(), ir::location_line(location));
}

}  // namespace

Result<void> disassemble(const ir::Module& module, const Version& v, std::span<const u64> samples,
                         Text& text) {
  const CodeFile code(v);
  if (!code.ok()) return Error::format("cannot write a file to /tmp for the disassembler");
  const std::vector<Line> lines = decode(code);
  if (lines.empty())
    return Error::format("nothing to disassemble with: install binutils (objdump)");
  u64 all = 0;
  const std::vector<u64> counts = counts_of(lines, v, samples, all);
  const auto name = module.name(*v.function->function);
  text.format("; %.*s@%s at %llx, %u bytes, %llu samples\n", static_cast<int>(name.size()), name.data(),
              tier_name(v.tier), static_cast<unsigned long long>(reinterpret_cast<u64>(v.entry)),
              v.code_bytes, static_cast<unsigned long long>(all));
  usize place = 0;
  for (usize i = 0; i < lines.size(); ++i) {
    for (; place < v.lines.size() && v.lines[place].offset <= lines[i].offset; ++place)
      if (v.lines[place].location != 0) append_place(module, v.lines[place].location, text);
    if (counts[i] != 0) {
      const u64 permille = counts[i] * 1000 / all;
      text.format("%4llu.%llu %% ", static_cast<unsigned long long>(permille / 10),
                  static_cast<unsigned long long>(permille % 10));
    } else {
      text.append("         ");
    }
    text.format("%6x:  ", lines[i].offset);
    text.append(lines[i].text);
    text.append("\n");
  }
  return {};
}

}  // namespace bf::microjit
