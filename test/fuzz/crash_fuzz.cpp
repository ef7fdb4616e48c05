// Fuzzes crash records: any bytes are a record whose texts lie in them, or refused.
//
//   crash_fuzz ROUNDS    deterministic mutations of a good record, its checksums put right
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "mutate.h"
#include "runtime/crash_record.h"
#include "runtime/fs/crc32.h"

namespace {

using namespace bf;

u64 accepted = 0;

void demand(bool condition) {
  if (!condition) __builtin_trap();
}

void demand_inside(std::string_view text, const fuzz::Bytes& bytes) {
  if (text.empty()) return;
  const auto* first = reinterpret_cast<const u8*>(text.data());
  demand(first >= bytes.data() && first + text.size() <= bytes.data() + bytes.size());
}

// Behind wrong checksums nothing would be reached.
void fix_sums(fuzz::Bytes& bytes) {
  if (bytes.size() < kCrashHeaderBytes) return;
  const auto put = [&](usize at, u32 value) { std::memcpy(&bytes[at], &value, 4); };
  u32 body;
  std::memcpy(&body, &bytes[16], 4);
  if (body <= bytes.size() - kCrashHeaderBytes)
    put(20, fs::crc32(std::span(bytes).subspan(kCrashHeaderBytes, body)));
  put(508, fs::crc32(std::span(bytes).first(508)));
}

void look(fuzz::Bytes bytes) {
  auto record = read_crash_record(bytes);
  if (!record) return;
  ++accepted;
  demand_inside(record->report, bytes);
  demand_inside(record->options, bytes);
  demand_inside(crash_summary(record->report), bytes);
  demand_inside(crash_place(record->report), bytes);
  mark_crash_record_told(bytes);
  auto again = read_crash_record(bytes);
  demand(again && again->told);
}

void look(const u8* data, usize size) {
  fuzz::Bytes bytes(data, data + size);
  look(bytes);
  fix_sums(bytes);
  look(bytes);
}

int look_at_rounds(int rounds) {
  CrashFacts facts;
  facts.report = "\nfault: page fault\n  #0  0x1234 somewhere+0x10\n";
  facts.options = "temp=0\n";
  fuzz::Bytes seed(kCrashRecordBytes);
  seed.resize(write_crash_record(facts, seed));
  look(seed);
  const bool seed_is_good = accepted == 1;
  fuzz::Mutator mutator(1);
  for (int i = 0; i < rounds; ++i) {
    const auto bytes = mutator.mutate(seed);
    look(bytes.data(), bytes.size());
  }
  std::printf("%d records, %llu accepted\n", rounds, static_cast<unsigned long long>(accepted));
  return seed_is_good && accepted > 100 ? 0 : 1;
}

}  // namespace

#include "entry.h"
