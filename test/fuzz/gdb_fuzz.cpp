// Fuzzes the debugger's side of the kernel: any bytes on the line are packets that are answered or
// refused, and nothing outside of the target is touched.
//
//   gdb_fuzz ROUNDS    deterministic mutations of a session
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../support/gdb_target.h"
#include "arch/x86/gdb/commands.h"
#include "mutate.h"

namespace {

using namespace bf;
using namespace bf::x86::gdb;

u64 packets = 0, answers = 0, errors = 0, resumptions = 0;

void demand(bool condition) {
  if (!condition) __builtin_trap();
}

// The first byte says what machine it is; checksums may be as they are, or put right.
void look(const u8* bytes, usize size, bool is_whole_packets) {
  if (size == 0) return;
  test::GdbTarget target(1 + bytes[0] % 64, bytes[0] < 128);
  Commands commands(target);
  commands.stopped({});
  PacketReader reader;
  const auto handle = [&](std::string_view packet) {
    ++packets;
    const auto then = commands.handle(packet);
    demand(commands.answer().size() <= kMostPacketBytes);
    answers += !commands.answer().empty();
    errors += commands.answer().starts_with('E');
    if (then != Commands::Then::Resume) return;
    ++resumptions;
    const Resumption r = commands.resumption();
    demand((r.run & r.step) == 0 && (r.run | r.step) != 0);
    commands.stopped({.thread = target.thread_count()});
  };
  std::string_view text(reinterpret_cast<const char*>(bytes + 1), size - 1);
  if (is_whole_packets) {
    while (!text.empty()) {
      const usize end = std::min(text.find('\n'), text.size());
      handle(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  } else {
    for (const char c : text)
      if (reader.feed(static_cast<u8>(c)) == PacketReader::Event::Packet) handle(reader.packet());
  }
}

[[maybe_unused]] const std::string kSession =
    "\x83qSupported:swbreak+\nHg0\n?\nqfThreadInfo\nqsThreadInfo\nqThreadExtraInfo,1\nT2\nqC\ng\np10\n"
    "P10=8877665544332211\nHc1\nHg-1\nG00112233445566778899aabbccddeeff\nm1000,40\nM1010,4:01020304\nX1020,3:abc\n"
    "Z0,1100,1\nZ2,1200,8\nz0,1100,1\nqXfer:features:read:target.xml:0,ffb\nvCont?\nvCont;s:1;c\n"
    "vCont;c:2\nc1234\ns\nvKill;1\nD\nk";

[[maybe_unused]] void look(const u8* data, usize size) {
  look(data, size, true);
  look(data, size, false);
}

int look_at_rounds(int rounds) {
  fuzz::Bytes lines(kSession.begin(), kSession.end()), framed = {lines[0]};
  for (std::string_view rest(kSession.data() + 1, kSession.size() - 1); !rest.empty();) {
    const usize end = std::min(rest.find('\n'), rest.size());
    write_packet(rest.substr(0, end), [&](char c) { framed.push_back(static_cast<u8>(c)); });
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  look(lines.data(), lines.size(), true);
  const u64 good = packets;
  look(framed.data(), framed.size(), false);
  const bool same = packets == 2 * good && good > 20;
  fuzz::Mutator mutator(1);
  for (int i = 0; i < rounds; ++i) {
    const auto a = mutator.mutate(lines), b = mutator.mutate(framed);
    look(a.data(), a.size(), true);
    look(b.data(), b.size(), false);
  }
  std::printf("%llu packets, %llu answers, %llu errors, %llu resumptions\n",
              static_cast<unsigned long long>(packets), static_cast<unsigned long long>(answers),
              static_cast<unsigned long long>(errors), static_cast<unsigned long long>(resumptions));
  return same && answers > packets / 2 && errors > 100 && resumptions > 100 ? 0 : 1;
}

}  // namespace

#include "entry.h"
