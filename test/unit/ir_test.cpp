// The IR's data structures: builder, image, verifier, dominators.
#include <catch2/catch.hpp>
#include <string>

#include "microjit/ir/builder.h"
#include "microjit/ir/dominators.h"
#include "microjit/ir/image.h"
#include "microjit/ir/text.h"
#include "microjit/ir/verify.h"

namespace {

using namespace bf;
using namespace bf::ir;

// i32 f(i32 n): a loop that adds 1 .. n, blocks declared in another order than they are filled.
Module sample() {
  Module m;
  m.files.push_back(m.intern(""));
  m.functions.emplace_back();
  Function& f = m.functions.back();
  f.name = m.intern("f");
  f.type = m.intern_type({{Kind::I32}, {Kind::I32}});
  const Type i32t{Kind::I32};
  Builder b(m, f);
  const BlockId entry = b.add_block(std::array{i32t});
  const BlockId done = b.add_block(std::array{i32t});
  const BlockId loop = b.add_block(std::array{i32t, i32t});
  b.begin(entry);
  const ValueId start[] = {b.constant(i32t, 0), b.constant(i32t, 1)};
  b.br({loop, start});
  b.begin(loop);
  const ValueId sum = b.binary(Op::add, b.argument(loop, 0), b.argument(loop, 1));
  const ValueId next = b.binary(Op::add, b.argument(loop, 1), b.constant(i32t, 1));
  const ValueId more = b.emit(Op::ule, Type{Kind::I1}, {next, b.argument(entry, 0)});
  const ValueId again[] = {sum, next};
  b.br_if(more, {loop, again}, {done, {&sum, 1}});
  b.begin(done);
  const ValueId result = b.argument(done, 0);
  b.ret({&result, 1});
  b.finish();
  return m;
}

std::string text_of(const Module& m) {
  Text text;
  print(m, text);
  return {text.begin(), text.end()};
}

TEST_CASE("a built module verifies, and survives image and text") {
  Module m = sample();
  const auto ok = verify(m);
  INFO((ok ? "" : ok.error().message()));
  REQUIRE(ok);
  auto loaded = read_image(write_image(m));
  REQUIRE(loaded);
  auto parsed = parse_text(text_of(*loaded));
  REQUIRE(parsed);
  CHECK(write_image(*parsed) == write_image(*loaded));
}

TEST_CASE("dominators of a loop") {
  const Module m = sample();
  const Dominators d(m.functions[0]);
  CHECK(d.reverse_post_order().front() == 0);
  CHECK(d.dominates(0, 1));
  CHECK(d.dominates(2, 1));
  CHECK_FALSE(d.dominates(1, 2));
  CHECK(d.immediate_dominator(1) == 2);
}

TEST_CASE("an image that is damaged says so") {
  const auto image = write_image(sample());
  auto refused = [](std::vector<u8> bytes, const char* part) {
    auto result = read_image(bytes);
    REQUIRE_FALSE(result);
    CHECK(std::string(result.error().message()).find(part) != std::string::npos);
  };
  auto changed = image;
  changed[0] ^= 1;
  refused(changed, "does not start with BFIR");
  changed = image;
  changed[4] = 9;
  refused(changed, "version 9");
  changed = image;
  changed[40] ^= 0x10;
  refused(changed, "checksum");
  refused({image.begin(), image.begin() + 20}, "shorter than its header");
  refused({image.begin(), image.end() - 1}, "cut short");
}

TEST_CASE("boot loaders may pad the image") {
  auto image = write_image(sample());
  image.resize(image.size() + 4096);
  CHECK(read_image(image));
}

TEST_CASE("the verifier refuses what tiers take for granted") {
  const auto refused = [](auto damage, const char* part) {
    Module m = sample();
    damage(m.functions[0]);
    const auto result = verify(m);
    REQUIRE_FALSE(result);
    INFO(result.error().message());
    CHECK(std::string(result.error().message()).find(part) != std::string::npos);
  };
  refused([](Function& f) { f.operands[0] = 999; }, "");
  refused([](Function& f) { f.edges[0].block = 77; }, "jump to no block");
  refused([](Function& f) { f.edges[0].block = 0; }, "entry");
  refused([](Function& f) { f.edges[0].argument_count = 1; }, "arguments");
  refused([](Function& f) { f.instructions.back().op = Op::unreachable; }, "wrong type");
  refused([](Function& f) { f.blocks[1].instruction_count = 0; }, "empty block");
  refused([](Function& f) { f.values[0].type = Type{Kind::I64}; }, "parameter of another type");
  refused([](Function& f) { f.blocks[1].first_argument = 1u << 30; }, "no such argument");
}

TEST_CASE("parse errors name the line") {
  auto result = parse_text("func @f () -> () {\nb0:\n  frobnicate\n}\n");
  REQUIRE_FALSE(result);
  CHECK(std::string(result.error().message()) == "IR text, line 3: no such operation");
}

TEST_CASE("a very deep control flow graph is checked in reasonable time") {
  Module m;
  m.files.push_back(m.intern(""));
  m.functions.emplace_back();
  Function& f = m.functions.back();
  f.name = m.intern("deep");
  f.type = m.intern_type({{Kind::I32}, {Kind::I32}});
  Builder b(m, f);
  constexpr u32 kBlocks = 50000;
  const Type i32t{Kind::I32};
  const BlockId entry = b.add_block(std::array{i32t});
  for (u32 i = 1; i < kBlocks; ++i) b.add_block({});
  const ValueId n = b.argument(entry, 0);
  for (u32 i = 0; i + 1 < kBlocks; ++i) {
    b.begin(i);
    b.binary(Op::add, n, n);
    b.br({i + 1, {}});
  }
  b.begin(kBlocks - 1);
  b.ret({&n, 1});
  b.finish();
  CHECK(verify(m));
}

}  // namespace
