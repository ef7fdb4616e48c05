#include "runtime/crash_record.h"

#include <algorithm>
#include <cstring>

#include "runtime/fs/crc32.h"

namespace bf {

namespace {

constexpr char kMagic[8] = {'B', 'F', 'C', 'R', 'A', 'S', 'H', 0};
constexpr u32 kVersion = 1;
constexpr u32 kTold = 1;  // flag

struct Header {
  char magic[8];
  u32 version;
  u32 header_bytes;
  u32 body_bytes;
  u32 body_sum;
  u32 flags;
  u32 cause;
  u32 vector;
  u32 core;
  u64 error_code;
  u64 uptime_ns;
  u64 wall_clock;
  u64 build;
  CrashRegisters registers;
  u8 reserved[kCrashHeaderBytes - 72 - sizeof(CrashRegisters) - 4];
  u32 header_sum;  // of all before it
};
static_assert(sizeof(Header) == kCrashHeaderBytes);
static_assert(offsetof(Header, registers) == 72 && offsetof(Header, header_sum) == 508);

// The body: texts, each behind its kind and its length, filled up to a multiple of 8 bytes.
enum Section : u32 { kReport = 1, kOptions = 2 };
struct SectionHeader {
  u32 kind;
  u32 bytes;
};
constexpr usize kBodyBytes = kCrashRecordBytes - kCrashHeaderBytes;
constexpr usize kMostReportBytes = 12 * 1024;
constexpr usize kMostOptionsBytes = kBodyBytes - kMostReportBytes - 2 * sizeof(SectionHeader);

u32 sum_of(const Header& header) {
  return fs::crc32({reinterpret_cast<const u8*>(&header), offsetof(Header, header_sum)});
}

usize put_section(std::span<u8> body, usize at, Section kind, std::string_view text, usize most) {
  const SectionHeader section = {kind, static_cast<u32>(std::min(text.size(), most))};
  std::memcpy(&body[at], &section, sizeof section);
  at += sizeof section;
  std::memcpy(&body[at], text.data(), section.bytes);
  return at + align_up<usize>(section.bytes, 8);
}

// Whether all sections lie in the body; of a kind that is not known the length is enough.
bool read_sections(std::span<const u8> body, CrashFacts& facts) {
  while (!body.empty()) {
    SectionHeader section;
    if (body.size() < sizeof section) return false;
    std::memcpy(&section, body.data(), sizeof section);
    body = body.subspan(sizeof section);
    const usize filled = align_up<usize>(section.bytes, 8);
    if (filled > body.size()) return false;
    const std::string_view text(reinterpret_cast<const char*>(body.data()), section.bytes);
    if (section.kind == kReport) facts.report = text;
    if (section.kind == kOptions) facts.options = text;
    body = body.subspan(filled);
  }
  return true;
}

}  // namespace

usize write_crash_record(const CrashFacts& facts, std::span<u8> memory) {
  BF_ASSERT(memory.size() >= kCrashRecordBytes);
  std::memset(memory.data(), 0, kCrashRecordBytes);
  const auto body = memory.subspan(kCrashHeaderBytes, kBodyBytes);
  usize bytes = put_section(body, 0, kReport, facts.report, kMostReportBytes);
  bytes = put_section(body, bytes, kOptions, facts.options, kMostOptionsBytes);

  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.header_bytes = kCrashHeaderBytes;
  header.body_bytes = static_cast<u32>(bytes);
  header.body_sum = fs::crc32(body.first(bytes));
  header.flags = facts.told ? kTold : 0;
  header.cause = static_cast<u32>(facts.cause);
  header.vector = facts.vector;
  header.core = facts.core;
  header.error_code = facts.error_code;
  header.uptime_ns = facts.uptime_ns;
  header.wall_clock = facts.wall_clock;
  header.build = facts.build;
  header.registers = facts.registers;
  header.header_sum = sum_of(header);
  std::memcpy(memory.data(), &header, sizeof header);
  return kCrashHeaderBytes + bytes;
}

bool is_crash_record(std::span<const u8> memory) {
  return memory.size() >= sizeof kMagic && std::memcmp(memory.data(), kMagic, sizeof kMagic) == 0;
}

Result<CrashFacts> read_crash_record(std::span<const u8> memory) {
  if (!is_crash_record(memory)) return Error::format("there is no record");
  Header header;
  if (memory.size() < sizeof header) return Error::format("the record is cut short");
  std::memcpy(&header, memory.data(), sizeof header);
  if (header.header_sum != sum_of(header)) return Error::format("the record's header is damaged");
  if (header.version != kVersion || header.header_bytes != kCrashHeaderBytes)
    return Error::format("the record is of version %u, which is not known here", header.version);
  const auto body = memory.subspan(kCrashHeaderBytes);
  if (header.body_bytes > body.size()) return Error::format("the record is cut short");
  if (fs::crc32(body.first(header.body_bytes)) != header.body_sum)
    return Error::format("the record is damaged: not all of it was written");
  CrashFacts facts;
  facts.cause = static_cast<CrashCause>(header.cause);
  facts.vector = header.vector;
  facts.core = header.core;
  facts.told = (header.flags & kTold) != 0;
  facts.error_code = header.error_code;
  facts.uptime_ns = header.uptime_ns;
  facts.wall_clock = header.wall_clock;
  facts.build = header.build;
  facts.registers = header.registers;
  if (!read_sections(body.first(header.body_bytes), facts))
    return Error::format("the record's texts do not fit into it");
  return facts;
}

void mark_crash_record_told(std::span<u8> memory) {
  BF_ASSERT(is_crash_record(memory) && memory.size() >= sizeof(Header));
  Header header;
  std::memcpy(&header, memory.data(), sizeof header);
  header.flags |= kTold;
  header.header_sum = sum_of(header);
  std::memcpy(memory.data(), &header, sizeof header);
}

namespace {

// Takes a line off a text.
std::string_view take_line(std::string_view& text) {
  const usize end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

std::string_view crash_summary(std::string_view report) {
  constexpr std::string_view kFault = "fault: ";
  while (!report.empty()) {
    std::string_view line = take_line(report);
    if (line.empty()) continue;
    if (line.starts_with(kFault)) line.remove_prefix(kFault.size());
    return line;
  }
  return {};
}

// Of "  #0  0x2345 function+0x12" what is behind the address.
std::string_view crash_place(std::string_view report) {
  constexpr std::string_view kFirstFrame = "  #0 ";
  while (!report.empty()) {
    std::string_view line = take_line(report);
    if (!line.starts_with(kFirstFrame)) continue;
    const usize address = line.find_first_not_of(' ', kFirstFrame.size());
    const usize end = line.find(' ', std::min(address, line.size()));
    return end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
  }
  return {};
}

u64 build_id(std::span<const u8> code) {
  constexpr u64 kStart = 0xcbf29ce484222325, kPrime = 0x100000001b3;
  u64 hash = kStart;
  for (usize at = 0; at < code.size(); at += 8) {
    u64 word = 0;
    std::memcpy(&word, &code[at], std::min<usize>(8, code.size() - at));
    hash = (hash ^ word) * kPrime;
  }
  return hash;
}

}  // namespace bf
