#include "runtime/crash_record.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace bf;

namespace {

const std::string kReport =
    "\nfault: page fault (vector 14, error code 0x2) at 0x1234\nwrite of address 0\nbacktrace:\n"
    "  #0  0x1234 bf::somewhere+0x10\n  #1  0x5678 bf::elsewhere+0x4\n";

CrashFacts some_facts() {
  CrashFacts f;
  f.cause = CrashCause::Watchdog;
  f.vector = 14;
  f.error_code = 2;
  f.core = 7;
  f.uptime_ns = 12'345'678'901;
  f.wall_clock = 1'700'000'000;
  f.build = 0xfeedface;
  f.registers.rax = 1;
  f.registers.cr4 = 24;
  f.report = kReport;
  f.options = "temp=0\ntokens=5\n";
  return f;
}

std::vector<u8> record_of(const CrashFacts& facts) {
  std::vector<u8> memory(kCrashRecordBytes, 0xee);
  write_crash_record(facts, memory);
  return memory;
}

}  // namespace

TEST_CASE("a crash record is read as it was written") {
  const CrashFacts facts = some_facts();
  std::vector<u8> memory(kCrashRecordBytes, 0xee);
  const usize bytes = write_crash_record(facts, memory);
  CHECK(bytes == kCrashHeaderBytes + 8 + align_up<usize>(kReport.size(), 8) + 8 + 16);
  for (usize i = bytes; i < memory.size(); ++i) REQUIRE(memory[i] == 0);
  auto read = read_crash_record(memory);
  REQUIRE(read);
  CHECK(read->cause == facts.cause);
  CHECK(read->vector == 14);
  CHECK(read->error_code == 2);
  CHECK(read->core == 7);
  CHECK_FALSE(read->told);
  CHECK(read->uptime_ns == facts.uptime_ns);
  CHECK(read->wall_clock == facts.wall_clock);
  CHECK(read->build == 0xfeedface);
  CHECK(read->registers.rax == 1);
  CHECK(read->registers.cr4 == 24);
  CHECK(read->report == facts.report);
  CHECK(read->options == facts.options);
}

TEST_CASE("telling of a record changes nothing but its first sector") {
  const auto before = record_of(some_facts());
  auto after = before;
  mark_crash_record_told(after);
  auto read = read_crash_record(after);
  REQUIRE(read);
  CHECK(read->told);
  CHECK(read->report == kReport);
  CHECK(std::equal(before.begin() + kCrashHeaderBytes, before.end(), after.begin() + kCrashHeaderBytes));
}

TEST_CASE("every byte of a crash record counts") {
  const auto good = record_of(some_facts());
  const usize end = kCrashHeaderBytes + 8 + align_up<usize>(kReport.size(), 8) + 24;
  for (usize i = 0; i < end; ++i) {
    auto bad = good;
    bad[i] ^= 0x10;
    INFO("byte " << i);
    CHECK_FALSE(read_crash_record(bad));
    CHECK(is_crash_record(bad) == (i >= 8));
  }
}

TEST_CASE("a record that was not written to its end is known as such") {
  const auto good = record_of(some_facts());
  std::vector<u8> half(kCrashRecordBytes);
  std::copy_n(good.begin(), kCrashHeaderBytes, half.begin());
  CHECK_FALSE(read_crash_record(half));
  CHECK_FALSE(read_crash_record(std::span(good).first(100)));
  CHECK_FALSE(read_crash_record(std::span(good).first(kCrashHeaderBytes + 8)));
  CHECK_FALSE(read_crash_record({}));
  CHECK_FALSE(is_crash_record(std::vector<u8>(kCrashRecordBytes)));
}

TEST_CASE("texts that are too long for a record are cut") {
  const std::string report(20'000, 'r'), options(100'000, 'o');
  CrashFacts facts = some_facts();
  facts.report = report;
  facts.options = options;
  const auto memory = record_of(facts);
  auto read = read_crash_record(memory);
  REQUIRE(read);
  CHECK(read->report.size() == 12 * 1024);
  CHECK(read->options.size() == kCrashRecordBytes - kCrashHeaderBytes - 12 * 1024 - 16);
}

TEST_CASE("what a report says in short") {
  CHECK(crash_summary(kReport) == "page fault (vector 14, error code 0x2) at 0x1234");
  CHECK(crash_place(kReport) == "bf::somewhere+0x10");
  CHECK(crash_summary("\npanic: no more (a.cpp:3)\n") == "panic: no more (a.cpp:3)");
  CHECK(crash_place("  #0 ") == "");
  CHECK(crash_place("  #0  0x1234") == "");
  CHECK(crash_summary("") == "");
  CHECK(crash_summary("\n\n") == "");
}

TEST_CASE("a build is known by its code") {
  // FNV-1a over one word: (offset basis ^ word) * prime.
  const u8 word[] = {1, 0, 0, 0, 0, 0, 0, 0};
  CHECK(build_id(word) == (u64{0xcbf29ce484222325} ^ 1) * 0x100000001b3);
  CHECK(build_id(std::span(word).first(3)) == build_id(word));
  CHECK(build_id({}) == 0xcbf29ce484222325);
}
