#include "microjit/inspect/debug_object.h"

#include <cstring>
#include <string_view>

namespace bf::microjit {

namespace {

// Bytes that grow; numbers are little-endian.
class Bytes {
 public:
  usize size() const { return bytes_.size(); }
  void u(u64 value, u32 bytes) {
    for (u32 i = 0; i < bytes; ++i) bytes_.push_back(static_cast<u8>(value >> (8 * i)));
  }
  void uleb(u64 value) {
    do {
      const u8 low = value & 0x7f;
      value >>= 7;
      bytes_.push_back(static_cast<u8>(low | (value != 0 ? 0x80 : 0)));
    } while (value != 0);
  }
  void sleb(i64 value) {
    for (bool more = true; more;) {
      const u8 low = value & 0x7f;
      value >>= 7;
      more = !((value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0));
      bytes_.push_back(static_cast<u8>(low | (more ? 0x80 : 0)));
    }
  }
  void string(std::string_view s) {
    bytes_.insert(bytes_.end(), s.begin(), s.end());
    bytes_.push_back(0);
  }
  void append(const Bytes& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
  }
  void align(usize alignment) { bytes_.resize(align_up(bytes_.size(), alignment)); }
  // Sets a number that was left out before.
  void patch(usize at, u64 value, u32 bytes) {
    for (u32 i = 0; i < bytes; ++i) bytes_[at + i] = static_cast<u8>(value >> (8 * i));
  }
  std::vector<u8> take() { return std::move(bytes_); }

 private:
  std::vector<u8> bytes_;
};

// A block that starts with its own length, of 4 bytes, not counted.
usize begin_lengthy(Bytes& bytes) {
  bytes.u(0, 4);
  return bytes.size();
}
void end_lengthy(Bytes& bytes, usize begin) {
  bytes.patch(begin - 4, bytes.size() - begin, 4);
}

// DWARF 4, sections 7.5 (abbreviations, information), 6.2 (lines), 6.4 (frames).
constexpr u32 kDwarfVersion = 4;
constexpr u32 kTagCompileUnit = 0x11, kTagSubprogram = 0x2e;
constexpr u32 kName = 0x03, kStatementList = 0x10, kLowPc = 0x11, kHighPc = 0x12, kLanguage = 0x13,
              kExternal = 0x3f;
constexpr u32 kFormAddress = 0x01, kFormData2 = 0x05, kFormData8 = 0x07, kFormString = 0x08,
              kFormOffset = 0x17, kFormPresent = 0x19;
constexpr u32 kLanguageC99 = 0x0c;
constexpr u32 kRbp = 6, kRsp = 7, kReturnAddress = 16;  // DWARF numbers of registers, x86-64 ABI

Bytes abbreviations() {
  Bytes b;
  for (const u32 n : {1u, kTagCompileUnit, 1u, kName, kFormString, kLanguage, kFormData2, kLowPc,
                      kFormAddress, kHighPc, kFormData8, kStatementList, kFormOffset, 0u, 0u})
    b.uleb(n);
  for (const u32 n : {2u, kTagSubprogram, 0u, kName, kFormString, kLowPc, kFormAddress, kHighPc,
                      kFormData8, kExternal, kFormPresent, 0u, 0u, 0u})
    b.uleb(n);
  return b;
}

std::string_view file_name(const ir::Module& module, ir::Location location) {
  const u32 file = ir::location_file(location);
  return file < module.files.size() ? module.string(module.files[file]) : std::string_view("?");
}

// What debuggers name: a function, and what times a call of it, which is a frame of its own.
struct Part {
  std::string name;
  u32 start, end;  // offsets in the code
};

std::vector<Part> parts_of(const ir::Module& module, const Version& v) {
  const std::string name(module.name(*v.function->function));
  if (v.timed_start == 0) return {{name, 0, v.code_bytes}};
  return {{name, 0, v.timed_start}, {name + ".timed", v.timed_start, v.code_bytes}};
}

Bytes information(const ir::Module& module, const Version& v, std::string_view file) {
  Bytes b;
  const usize unit = begin_lengthy(b);
  b.u(kDwarfVersion, 2);
  b.u(0, 4);  // abbreviations
  b.u(8, 1);  // bytes of an address
  b.uleb(1);
  b.string(file);
  b.u(kLanguageC99, 2);
  b.u(reinterpret_cast<u64>(v.entry), 8);
  b.u(v.code_bytes, 8);
  b.u(0, 4);  // its lines
  for (const Part& part : parts_of(module, v)) {
    b.uleb(2);
    b.string(part.name);
    b.u(reinterpret_cast<u64>(v.entry + part.start), 8);
    b.u(part.end - part.start, 8);
  }
  b.uleb(0);  // end of the unit's children
  end_lengthy(b, unit);
  return b;
}

// The files that the lines name, in order of their first line; the table counts from 1.
std::vector<u32> files_of(const Version& v) {
  std::vector<u32> files;
  for (const CodeLine& line : v.lines) {
    const u32 file = ir::location_file(line.location);
    bool known = line.location == 0;
    for (const u32 f : files) known = known || f == file;
    if (!known) files.push_back(file);
  }
  return files;
}

Bytes lines(const ir::Module& module, const Version& v) {
  constexpr u32 kCopy = 1, kAdvancePc = 2, kAdvanceLine = 3, kSetFile = 4, kExtended = 0;
  constexpr u32 kEndSequence = 1, kSetAddress = 2;
  constexpr u8 kOperandCounts[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};  // of opcodes 1 to 12
  const std::vector<u32> files = files_of(v);
  Bytes b;
  const usize unit = begin_lengthy(b);
  b.u(kDwarfVersion, 2);
  const usize header = begin_lengthy(b);
  b.u(1, 1);     // smallest instruction
  b.u(1, 1);     // operations per instruction
  b.u(1, 1);     // default_is_stmt
  b.u(0xff, 1);  // line_base -1; special opcodes are not used
  b.u(1, 1);     // line_range
  b.u(sizeof kOperandCounts + 1, 1);
  for (const u8 n : kOperandCounts) b.u(n, 1);
  b.u(0, 1);  // no directories
  for (const u32 f : files) {
    b.string(file_name(module, f << 20));
    for (int i = 0; i < 3; ++i) b.uleb(0);  // directory, time, size
  }
  b.u(0, 1);
  end_lengthy(b, header);
  b.u(kExtended, 1);
  b.uleb(9);
  b.u(kSetAddress, 1);
  b.u(reinterpret_cast<u64>(v.entry), 8);
  u32 address = 0, line = 1, file = 1;
  for (const CodeLine& l : v.lines) {
    if (l.location == 0) continue;
    u32 wanted = 1;
    while (files[wanted - 1] != ir::location_file(l.location)) ++wanted;
    if (wanted != file) {
      b.u(kSetFile, 1);
      b.uleb(wanted);
      file = wanted;
    }
    b.u(kAdvanceLine, 1);
    b.sleb(static_cast<i64>(ir::location_line(l.location)) - line);
    line = ir::location_line(l.location);
    b.u(kAdvancePc, 1);
    b.uleb(l.offset - address);
    address = l.offset;
    b.u(kCopy, 1);
  }
  b.u(kAdvancePc, 1);
  b.uleb(v.code_bytes - address);
  b.u(kExtended, 1);
  b.uleb(1);
  b.u(kEndSequence, 1);
  end_lengthy(b, unit);
  return b;
}

// The caller's frame: above rsp, and above rbp where that is the frame pointer.
Bytes frames(const Version& v) {
  constexpr u32 kAdvance4 = 0x04, kDefineCfa = 0x0c, kOffset = 0x80, kRestore = 0xc0;
  constexpr u32 kDataAlignment = 8;
  Bytes b;
  const usize common = begin_lengthy(b);
  b.u(0xffffffff, 4);
  b.u(kDwarfVersion, 1);
  b.string("");
  b.u(8, 1);  // address size
  b.u(0, 1);  // segment size
  b.uleb(1);
  b.sleb(-static_cast<i64>(kDataAlignment));
  b.uleb(kReturnAddress);
  b.u(kDefineCfa, 1);
  b.uleb(kRsp);
  b.uleb(8);
  b.u(kOffset | kReturnAddress, 1);
  b.uleb(1);
  b.align(8);  // zeros are no operations
  end_lengthy(b, common);
  const usize function = begin_lengthy(b);
  b.u(0, 4);  // the common part
  b.u(reinterpret_cast<u64>(v.entry), 8);
  b.u(v.code_bytes, 8);
  u32 at = 0;
  const auto advance = [&](u32 to, u32 base) {
    b.u(kAdvance4, 1);
    b.u(to - at, 4);
    b.u(kDefineCfa, 1);
    b.uleb(base);
    at = to;
  };
  const auto frame_begins = [&](u32 offset) {
    advance(offset, kRbp);
    b.uleb(16);
    b.u(kOffset | kRbp, 1);
    b.uleb(2);
  };
  const auto frame_ends = [&](u32 offset) {
    advance(offset, kRsp);
    b.uleb(8);
    b.u(kRestore | kRbp, 1);
  };
  if (v.frame_end > v.frame_start) {
    frame_begins(v.frame_start);
    if (v.frame_end < v.code_bytes) frame_ends(v.frame_end);
  }
  if (v.timed_frame != 0) frame_begins(v.timed_frame);
  b.align(8);
  end_lengthy(b, function);
  return b;
}

// ---- ELF (System V ABI, chapter 4)
// ----------------------------------------------------------------

struct Section {
  const char* name;
  u32 type;
  u64 flags;
  u64 address;
  u64 size;  // where there are no bytes
  u32 link, info;
  u64 entry_bytes;
  Bytes bytes;
};
constexpr u32 kNull = 0, kProgram = 1, kSymbols = 2, kStrings = 3, kNoBytes = 8;
constexpr u32 kHeaderBytes = 64, kSectionHeaderBytes = 64, kSymbolBytes = 24;

// A symbol per part; `names` gets their names.
Bytes symbols(const ir::Module& module, const Version& v, u32 text_section, Bytes& names) {
  constexpr u32 kGlobalFunction = 1 << 4 | 2;
  Bytes b;
  b.u(0, 8), b.u(0, 8), b.u(0, 8);
  names.string("");
  for (const Part& part : parts_of(module, v)) {
    b.u(names.size(), 4);
    names.string(part.name);
    b.u(kGlobalFunction, 1);
    b.u(0, 1);
    b.u(text_section, 2);
    b.u(reinterpret_cast<u64>(v.entry + part.start), 8);
    b.u(part.end - part.start, 8);
  }
  return b;
}

Bytes file_header(u64 sections_at, u32 section_count) {
  constexpr u8 kIdentification[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  constexpr u32 kExecutable = 2, kX86_64 = 62;
  Bytes b;
  for (const u8 byte : kIdentification) b.u(byte, 1);
  b.u(kExecutable, 2);
  b.u(kX86_64, 2);
  b.u(1, 4);
  b.u(0, 8);  // entry
  b.u(0, 8);  // no program headers
  b.u(sections_at, 8);
  b.u(0, 4);
  b.u(kHeaderBytes, 2);
  b.u(0, 2);
  b.u(0, 2);
  b.u(kSectionHeaderBytes, 2);
  b.u(section_count, 2);
  b.u(section_count - 1, 2);  // their names are last
  return b;
}

std::vector<u8> link(std::vector<Section>& sections) {
  Bytes names;
  std::vector<u32> name_at;
  for (const Section& s : sections) {
    name_at.push_back(static_cast<u32>(names.size()));
    names.string(s.name);
  }
  sections.back().bytes = std::move(names);
  u64 at = kHeaderBytes;
  Bytes headers, contents;
  for (usize i = 0; i < sections.size(); ++i) {
    Section& s = sections[i];
    const u64 size = s.type == kNoBytes ? s.size : s.bytes.size();
    s.bytes.align(8);
    headers.u(name_at[i], 4);
    headers.u(s.type, 4);
    headers.u(s.flags, 8);
    headers.u(s.address, 8);
    headers.u(s.type == kNull ? 0 : at, 8);
    headers.u(size, 8);
    headers.u(s.link, 4);
    headers.u(s.info, 4);
    headers.u(s.type == kNull ? 0 : 8, 8);
    headers.u(s.entry_bytes, 8);
    contents.append(s.bytes);
    at += s.bytes.size();
  }
  Bytes file = file_header(at, static_cast<u32>(sections.size()));
  file.append(contents);
  file.append(headers);
  return file.take();
}

}  // namespace

std::vector<u8> make_debug_object(const ir::Module& module, const Version& v) {
  constexpr u32 kText = 1, kNames = 3;
  constexpr u64 kAllocated = 2, kCode = 4;
  ir::Location first = 0;
  for (const CodeLine& l : v.lines)
    if (first == 0) first = l.location;
  Bytes names;
  Bytes symbol_table = symbols(module, v, kText, names);
  std::vector<Section> sections;
  sections.push_back({"", kNull, 0, 0, 0, 0, 0, 0, {}});
  sections.push_back({".text",
                      kNoBytes,
                      kAllocated | kCode,
                      reinterpret_cast<u64>(v.entry),
                      v.code_bytes,
                      0,
                      0,
                      0,
                      {}});
  sections.push_back(
      {".symtab", kSymbols, 0, 0, 0, kNames, 1, kSymbolBytes, std::move(symbol_table)});
  sections.push_back({".strtab", kStrings, 0, 0, 0, 0, 0, 0, std::move(names)});
  const auto debug = [&](const char* name, Bytes bytes) {
    sections.push_back({name, kProgram, 0, 0, 0, 0, 0, 0, std::move(bytes)});
  };
  debug(".debug_abbrev", abbreviations());
  debug(".debug_info", information(module, v, file_name(module, first)));
  debug(".debug_line", lines(module, v));
  debug(".debug_frame", frames(v));
  sections.push_back({".shstrtab", kStrings, 0, 0, 0, 0, 0, 0, {}});
  return link(sections);
}

}  // namespace bf::microjit
