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
  explicit CodeFile(std::span<const u8> code) {
    const int file = mkstemp(name_);
    if (file < 0) return;
    ok_ = write(file, code.data(), code.size()) == static_cast<ssize_t>(code.size());
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
      std::string("objdump -D -b binary -m i386:x86-64 -M intel --no-show-raw-insn ") +
      code.name() + " 2>/dev/null";
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

// 1234567 as 1,234,567
std::string grouped(u64 number) {
  std::string digits = std::to_string(number);
  for (usize at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

void append_place(const ir::Module& module, ir::Location location, Text& text) {
  const u32 file = ir::location_file(location);
  if (file >= module.files.size()) return;
  const auto name = module.string(module.files[file]);
  text.format("; %.*s:%u\n", static_cast<int>(name.size()), name.data(),
              ir::location_line(location));
}

void append_head(const ir::Module& module, const Version& v, u64 all, const Samples& samples,
                 Text& text) {
  const auto name = module.name(*v.function->function);
  text.format("; %.*s@%s", static_cast<int>(name.size()), name.data(), tier_name(v.tier));
  if (v.function->rest) text.format(" from block %u on", v.function->header);
  text.format(" at %llx, %s bytes", static_cast<unsigned long long>(reinterpret_cast<u64>(v.entry)),
              grouped(v.code_bytes).c_str());
  if (!samples.addresses.empty())
    text.format(", %s samples, %s cycles", grouped(all).c_str(),
                grouped(all * samples.ticks_each).c_str());
  text.append("\n");
}

void append_cost(u64 count, u64 all, u64 ticks_each, Text& text) {
  if (count == 0) {
    text.append("                         ");
    return;
  }
  const u64 permille = count * 1000 / all;
  text.format("%4llu.%llu %% %16s ", static_cast<unsigned long long>(permille / 10),
              static_cast<unsigned long long>(permille % 10), grouped(count * ticks_each).c_str());
}

}  // namespace

Result<void> disassemble(const ir::Module& module, const Version& v, const Samples& samples,
                         Text& text) {
  return disassemble(module, v, {v.entry, v.code_bytes}, samples, text);
}

Result<void> disassemble(const ir::Module& module, const Version& v, std::span<const u8> code,
                         const Samples& samples, Text& text) {
  const CodeFile file(code);
  if (!file.ok()) return Error::format("cannot write a file to /tmp for the disassembler");
  const std::vector<Line> lines = decode(file);
  if (lines.empty())
    return Error::format("nothing to disassemble with: install binutils (objdump)");
  u64 all = 0;
  const std::vector<u64> counts = counts_of(lines, v, samples.addresses, all);
  append_head(module, v, all, samples, text);
  usize place = 0;
  for (usize i = 0; i < lines.size(); ++i) {
    for (; place < v.lines.size() && v.lines[place].offset <= lines[i].offset; ++place)
      if (v.lines[place].location != 0) append_place(module, v.lines[place].location, text);
    append_cost(counts[i], all, samples.ticks_each, text);
    text.format("%6x:  ", lines[i].offset);
    text.append(lines[i].text);
    text.append("\n");
  }
  return {};
}

}  // namespace bf::microjit
