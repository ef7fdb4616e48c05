// What people see of the engine: /tiers and /top.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "microjit/top.h"
#include "../support/started.h"

using namespace bf;

namespace {

constexpr const char* kProgram = R"(
func @leaf (i64) -> (i64) {
b0(%x: i64):
  %y: i64 = add %x, i64 1
  ret %y
}
func @a_name_that_is_longer_than_there_is_room_for_in_eighty_columns (i64) -> (i64) {
b0(%n: i64):
  br b1(i64 0)
b1(%i: i64):
  %j: i64 = call @leaf(%i)
  %more: i1 = ult %j, %n
  br_if %more, b1(%j), b2
b2:
  ret %j
}
func @never (i64) -> (i64) {
b0(%x: i64):
  ret %x
}
)";
constexpr const char* kLoop = "a_name_that_is_longer_than_there_is_room_for_in_eighty_columns";

std::vector<std::string> lines_of(const Text& text) {
  std::vector<std::string> lines(1);
  for (const char c : text.view())
    if (c == '\n') lines.emplace_back();
    else lines.back() += c;
  CHECK(lines.back().empty());
  lines.pop_back();
  for (const auto& line : lines) CHECK(line.size() < 80);
  return lines;
}

// The columns of a row, separated by spaces.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line + " ")
    if (c != ' ') word += c;
    else if (!word.empty()) words.push_back(std::exchange(word, {}));
  return words;
}

}  // namespace

TEST_CASE("tiers: the rows add up to all functions and all code in slots") {
  auto engine = test::started(kProgram);
  auto* loop = engine->function<u64(u64)>(kLoop);
  for (int i = 0; i < 300; ++i) CHECK(loop(100) == 100);
  engine->wait_for_compilers();
  Text text;
  engine->write_tiers(text, "");
  const auto lines = lines_of(text);
  REQUIRE(lines.size() > 2 + microjit::kTierCount);
  u64 functions = 0, bytes = 0;
  for (u32 tier = 0; tier < microjit::kTierCount; ++tier) {
    const auto words = words_of(lines[1 + tier]);
    REQUIRE(words.size() == 7);
    CHECK(words[0] == microjit::tier_name(static_cast<microjit::Tier>(tier)));
    functions += std::stoull(words[1]);
    bytes += std::stoull(words[3]);
  }
  u64 of_versions = 0;
  for (const auto& state : engine->functions())
    of_versions += (state->version ? state->version->bytes : 0) + (state->generic ? state->generic->bytes : 0);
  CHECK(functions == 3);
  CHECK(bytes == of_versions);
  CHECK(bytes > 0);
}

TEST_CASE("tiers: some functions by a part of their name, or none") {
  auto engine = test::started(kProgram);
  auto* loop = engine->function<u64(u64)>(kLoop);
  for (int i = 0; i < 20; ++i) loop(10);
  const auto rows = [&](std::string_view which) {
    Text text;
    engine->write_tiers(text, which);
    const auto lines = lines_of(text);
    const auto title = std::find_if(lines.begin(), lines.end(), [](const auto& l) { return l.ends_with("function"); });
    return title == lines.end() ? -1 : static_cast<int>(lines.end() - title) - 1;
  };
  CHECK(rows("never") == 1);
  CHECK(rows("e") >= 3);
  CHECK(rows("nothing like it") == -1);
  CHECK(rows("all") >= 1);
}

TEST_CASE("top: what has run since the last time, and nothing else") {
  auto engine = test::started(kProgram);
  auto* loop = engine->function<u64(u64)>(kLoop);
  microjit::Top top(*engine);
  loop(1000);
  Text first;
  top.write(first, 10);
  const auto lines = lines_of(first);
  REQUIRE(lines.size() >= 4);
  CHECK(lines[1].ends_with("function"));
  u64 permille = 0;
  for (usize i = 2; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    const usize point = words[0].find('.');
    permille += std::stoull(words[0].substr(0, point)) * 10 + std::stoull(words[0].substr(point + 1));
  }
  CHECK(permille <= 1000);
  CHECK(permille > 900);
  Text second;
  top.write(second, 10);
  CHECK(lines_of(second).size() == 2);  // nothing has run
  engine->function<u64(u64)>("never")(1);
  Text third;
  top.write(third, 10);
  CHECK(lines_of(third).size() <= 3);
}
