#include <catch2/catch.hpp>
#include <string>

#include "../support/gdb_target.h"
#include "arch/x86/gdb/commands.h"
#include "arch/x86/gdb/held_core.h"
#include "arch/x86/gdb/target_description.h"

using namespace bf;
using namespace bf::x86::gdb;
using Then = Commands::Then;
using Event = PacketReader::Event;

namespace {

struct Session {
  test::GdbTarget target;
  Commands commands{target};

  explicit Session(u32 threads = 2, bool avx = true) : target(threads, avx) { commands.stopped({}); }
  std::string ask(std::string_view packet) {
    CHECK(commands.handle(packet) == Then::Answer);
    return std::string(commands.answer());
  }
  Resumption resume(std::string_view packet) {
    CHECK(commands.handle(packet) == Then::Resume);
    return commands.resumption();
  }
};

std::string framed(std::string_view bytes) {
  std::string text;
  write_packet(bytes, [&](char c) { text += c; });
  return text;
}

Event feed(PacketReader& reader, std::string_view bytes) {
  Event last = Event::None;
  for (const char c : bytes) last = reader.feed(static_cast<u8>(c));
  return last;
}

}  // namespace

TEST_CASE("gdb packets are framed, escaped and summed") {
  CHECK(framed("OK") == "$OK#9a");
  CHECK(framed("") == "$#00");
  CHECK(framed("a#b") == "$a}\x03"
                         "b#43");
  PacketReader reader;
  for (const std::string& text : {std::string("g"), std::string(""), std::string("}$#*\0\x03", 6)}) {
    CHECK(feed(reader, framed(text)) == Event::Packet);
    CHECK(reader.packet() == text);
  }
}

TEST_CASE("gdb packets between noise, damaged, cut short and too long") {
  PacketReader reader;
  CHECK(feed(reader, "garbage\r\n+") == Event::Ack);
  CHECK(feed(reader, "-") == Event::Nack);
  CHECK(feed(reader, "\x03") == Event::Interrupt);
  CHECK(feed(reader, "$g#00") == Event::Damaged);
  CHECK(feed(reader, "$g#zz") == Event::Damaged);
  CHECK(feed(reader, "$m123$g#67") == Event::Packet);
  CHECK(reader.packet() == "g");
  CHECK(feed(reader, "$G#4") == Event::None);
  CHECK(feed(reader, "7") == Event::Packet);
  CHECK(feed(reader, framed(std::string(kMostPacketBytes, 'x'))) == Event::Packet);
  CHECK(feed(reader, framed(std::string(kMostPacketBytes + 1, 'x'))) == Event::TooLong);
  CHECK(feed(reader, "$?#3f") == Event::Packet);
  // What is escaped is not the end, and Ctrl-C in a packet is a byte like others.
  CHECK(feed(reader, "$}\x03#80") == Event::Packet);
  CHECK(reader.packet() == "#");
}

TEST_CASE("gdb is told why the machine stands") {
  Session s;
  const std::string registers = "6:0606060606060606;7:0707070707070707;10:1010101010101010;";
  CHECK(s.ask("?") == "T05thread:1;" + registers);
  s.commands.stopped({.thread = 2, .signal = kSegment});
  CHECK(s.ask("?") == "T0bthread:2;" + registers);
  CHECK(s.ask("qC") == "QC2");
  const struct {
    Breakpoint kind;
    const char* text;
  } kinds[] = {{Breakpoint::Software, "swbreak:;"}, {Breakpoint::Hardware, "hwbreak:;"},
               {Breakpoint::Write, "watch:12345678;"}, {Breakpoint::Read, "rwatch:12345678;"},
               {Breakpoint::Access, "awatch:12345678;"}};
  for (const auto& k : kinds) {
    s.commands.stopped({1, kTrap, true, k.kind, 0x12345678});
    CHECK(s.commands.stop_text() == "T05thread:1;" + registers + k.text);
  }
}

TEST_CASE("gdb reads and writes registers of the thread it has chosen") {
  Session s;
  CHECK(s.ask("p0") == "0000000000000000");
  CHECK(s.ask("p10") == "1010101010101010");
  CHECK(s.ask("p11") == "11111111");
  CHECK(s.ask("P10=8877665544332211") == "OK");
  CHECK(s.ask("p10") == "8877665544332211");
  CHECK(s.ask("Hg2") == "OK");
  CHECK(s.ask("p10") == "1010101010101010");
  CHECK(s.ask("Hg0") == "OK");
  CHECK(s.ask("p10") == "8877665544332211");
  s.target.unknown = k_gs;
  CHECK(s.ask("p17") == "xxxxxxxx");
  CHECK(s.ask("P17=00000000") == "E01");
  for (const char* bad : {"p", "pz", "p1000", "p-1", "P10", "P10=", "P10=11", "P10=88776655443322zz",
                          "P10=887766554433221100", "P1000=00", "Hg9", "Hx1", "Hg", "H"})
    CHECK(s.ask(bad).substr(0, 1) == "E");
}

TEST_CASE("gdb reads and writes all registers at once") {
  for (const bool avx : {true, false}) {
    Session s(1, avx);
    std::string all = s.ask("g");
    usize bytes = 0;
    for (const RegisterFacts& r : kRegisters)
      if (avx || r.feature != Feature::Avx) bytes += r.bytes;
    CHECK(all.size() == 2 * bytes);
    CHECK(all.size() < kMostPacketBytes);
    all.replace(16, 16, "1122334455667788");  // rbx
    CHECK(s.ask("G" + all) == "OK");
    CHECK(s.ask("g") == all);
    CHECK(s.ask("p1") == "1122334455667788");
    CHECK(s.ask("G11") == "E16");
  }
}

TEST_CASE("gdb reads and writes memory, as far as there is some") {
  Session s;
  CHECK(s.ask("m1000,4") == "00070e15");
  CHECK(s.ask("m1ffe,10") == "f2f9");
  CHECK(s.ask("m2000,1") == "E0e");
  CHECK(s.ask("m0,1") == "E0e");
  CHECK(s.ask("mffffffffffffffff,8") == "E0e");
  CHECK(s.ask("m1000,0") == "");
  CHECK(s.ask("m1000,ffffffffffffffff").size() == 4096);
  CHECK(s.ask("M1001,2:a1b2") == "OK");
  CHECK(s.ask("m1000,4") == "00a1b215");
  CHECK(s.ask("M1fff,2:a1b2") == "E0e");
  CHECK(s.ask(std::string("X1000,3:\0#}", 11)) == "OK");
  CHECK(s.ask("m1000,4") == "00237d15");
  CHECK(s.ask("X1000,0:") == "OK");
  for (const char* bad : {"m", "m1", "m1,", "m1000,4x", "mx,1", "M1000,1", "M1000,2:11", "M1000,1:1122",
                          "M1000,1:zz", "M1000,ffffffff:00", "X1000,1:", "X1000,1:ab", "X"})
    CHECK(s.ask(bad) == "E16");
}

TEST_CASE("gdb sets breakpoints of all kinds") {
  Session s;
  for (u32 kind = 0; kind <= 4; ++kind) {
    const std::string point = std::to_string(kind) + ",1100,4";
    CHECK(s.ask("Z" + point) == "OK");
    CHECK(s.target.points.count({static_cast<Breakpoint>(kind), 0x1100, 4}) == 1);
    CHECK(s.ask("Z" + point) == "E01");
    CHECK(s.ask("z" + point) == "OK");
    CHECK(s.ask("z" + point) == "E01");
  }
  CHECK(s.ask("Z5,1100,4") == "");
  CHECK(s.ask("Z0,0,1") == "E01");
  for (const char* bad : {"Z", "Z0", "Z0,", "Z0,1100", "Z0,1100,", "Zx,1100,1"}) CHECK(s.ask(bad) == "E16");
  CHECK(s.ask("Z0,1100,1") == "OK");
  CHECK(s.commands.handle("D") == Then::Detach);
  CHECK(s.commands.answer() == "OK");
  CHECK(s.target.points.empty());
  CHECK(s.commands.resumption().run == 3);
}

TEST_CASE("gdb lists threads") {
  Session s(11);
  CHECK(s.ask("qfThreadInfo") == "m1,2,3,4,5,6,7,8,9,a,b");
  CHECK(s.ask("qsThreadInfo") == "l");
  CHECK(s.ask("qThreadExtraInfo,2") == "636f726520312c20736c65657073");
  CHECK(s.ask("qThreadExtraInfo,c") == "E01");
  CHECK(s.ask("Tb") == "OK");
  CHECK(s.ask("Tc") == "E01");
  CHECK(s.ask("T0") == "E01");
}

TEST_CASE("gdb lets threads go on or step, each or all") {
  Session s(3);
  const struct {
    const char* packet;
    u64 run, step;
  } cases[] = {{"vCont;c", 7, 0},         {"vCont;s:2;c", 5, 2},  {"vCont;s:2", 0, 2},
               {"vCont;c:1;c:3", 5, 0},   {"vCont;C05:1", 1, 0},  {"vCont;S05:1;c", 6, 1},
               {"vCont;s:-1", 0, 7},      {"vCont;s:0;c", 6, 1},  {"c", 7, 0},
               {"s", 6, 1},               {"vCont;c;s:1", 7, 0}};
  for (const auto& c : cases) {
    INFO(c.packet);
    const Resumption r = s.resume(c.packet);
    CHECK(r.run == c.run);
    CHECK(r.step == c.step);
  }
  CHECK(s.ask("Hc2") == "OK");
  CHECK(s.resume("s").step == 2);
  CHECK(s.commands.resumption().run == 0);
  CHECK(s.resume("c1234").run == 2);
  CHECK(s.target.registers[{2, k_rip}] == std::vector<u8>{0x34, 0x12, 0, 0, 0, 0, 0, 0});
  for (const char* bad : {"vCont;", "vCont;x", "vCont;c:4", "vCont;s:", "vCont;C", "vCont;c1", "cx", "s1x"})
    CHECK(s.ask(bad) == "E16");
  CHECK(Session(64).resume("vCont;c").run == ~u64{0});
}

TEST_CASE("what gdb asks about us, and what is not known here") {
  Session s;
  CHECK(s.ask("qSupported:multiprocess+;xmlRegisters=i386").find("PacketSize=1000;") == 0);
  CHECK(s.ask("vCont?") == "vCont;c;C;s;S");
  CHECK(s.ask("qAttached") == "1");
  CHECK(s.commands.acknowledges());
  CHECK(s.ask("QStartNoAckMode") == "OK");
  CHECK_FALSE(s.commands.acknowledges());
  for (const char* unknown : {"", "vMustReplyEmpty", "qTStatus", "vFile:setfs:0", "R00", "!", "gg", "qCRC:0,1"})
    CHECK(s.ask(unknown) == "");
  CHECK(s.commands.handle("k") == Then::Kill);
  CHECK(s.commands.handle("vKill;1") == Then::Kill);
  CHECK(s.commands.answer() == "OK");
}

TEST_CASE("the description of registers comes in pieces of any size") {
  for (const bool avx : {true, false}) {
    std::string whole(20'000, '\0');
    whole.resize(read_target_description(avx, 0, whole.data(), whole.size()));
    CHECK(whole.size() > 4000);
    CHECK(whole.find("</target>") == whole.size() - 9);
    CHECK((whole.find("ymm0h") != std::string::npos) == avx);
    Session s(1, avx);
    for (const usize piece : {1, 7, 1000, 4096}) {
      std::string joined, answer;
      do {
        char packet[80];
        std::snprintf(packet, sizeof packet, "qXfer:features:read:target.xml:%zx,%zx", joined.size(), piece);
        answer = s.ask(packet);
        joined += answer.substr(1);
      } while (answer[0] == 'm');
      CHECK(answer[0] == 'l');
      CHECK(joined == whole);
    }
    CHECK(s.ask("qXfer:features:read:target.xml:ffffffffffffffff,10") == "l");
    CHECK(s.ask("qXfer:features:read:target.xml:0") == "E16");
    CHECK(s.ask("qXfer:features:read:other.xml:0,10") == "");
  }
}

TEST_CASE("every register of a held core is read as it was written, and no other changes") {
  x86::ExceptionFrame frame = {};
  alignas(16) u8 fx[kFxBytes] = {};
  CoreRegisters core{.frame = &frame, .fx = fx};
  u8 bytes[kMostRegisterBytes], got[kMostRegisterBytes];
  for (u32 n = 0; n < kRegisterCount; ++n) {
    const RegisterFacts& r = kRegisters[n];
    INFO(r.name);
    for (u32 i = 0; i < r.bytes; ++i) bytes[i] = static_cast<u8>(n + i + 1);
    const bool is_segment = n >= k_cs && n <= k_gs;
    REQUIRE(write_register(core, n, {bytes, r.bytes}) == !is_segment);
    read_register(core, n, {got, r.bytes});
    // Words of the x87 are shorter than what is shown of them, tags are whole or not.
    const bool is_short = n >= k_fctrl && n <= k_fop;
    if (!is_segment && !is_short && n != k_mxcsr) CHECK(std::memcmp(bytes, got, r.bytes) == 0);
    if (is_short && n != k_ftag) CHECK(std::memcmp(bytes, got, 2) == 0);
  }
  for (u32 n = 0; n <= k_rip; ++n) {
    read_register(core, n, {got, 8});
    CHECK(got[0] == n + 1);
  }
  CHECK(frame.rax == 0x0807060504030201);
  const u8 tags[4] = {0xfc, 0xff};  // the first one is in use
  CHECK(write_register(core, k_ftag, tags));
  CHECK(fx[4] == 1);
  read_register(core, k_ftag, {got, 4});
  CHECK(std::memcmp(got, tags, 4) == 0);
  const u8 all[4] = {0xff, 0xff, 0xff, 0xff};
  CHECK(write_register(core, k_mxcsr, all));
  CHECK(fx[26] == 0);
}
