// The shell's words: the table, who obeys, accounts that add up, from one model to another.
#include "runtime/shell/shell.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <unistd.h>

#include "runtime/heap.h"
#include "runtime/platform.h"
#include "runtime/shell/machine.h"
#include "runtime/shell/models.h"

using namespace bf;

namespace {

// What a line shows on the text stream, which is standard output.
std::string shown_by(std::string_view line, i32* result = nullptr, const BfAbout& about = {}) {
  std::fflush(stdout);
  std::FILE* const file = std::tmpfile();
  const int kept = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  const i32 answer = shell::obey(line, about);
  dup2(kept, STDOUT_FILENO);
  close(kept);
  if (result != nullptr) *result = answer;
  std::string text(static_cast<size_t>(lseek(fileno(file), 0, SEEK_END)), 0);
  REQUIRE(pread(fileno(file), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  std::fclose(file);
  return text;
}

std::string answer_arguments;
shell::Answer echo(shell::Call& call) {
  answer_arguments = call.arguments;
  call.out.append("done\n");
  return shell::kDone;
}

usize longest_line(std::string_view text) {
  usize longest = 0;
  while (!text.empty()) {
    const usize end = std::min(text.find('\n'), text.size());
    longest = std::max(longest, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return longest;
}

std::vector<shell::ShelfModel> some_models() {
  std::vector<shell::ShelfModel> models(3);
  const char* const names[] = {"tiny.gguf", "models/Story.gguf", "old/story.gguf"};
  for (usize i = 0; i < 3; ++i) {
    models[i].name.append(names[i]);
    models[i].place.append("disk0");
    models[i].bytes = (i + 1) << 20;
    models[i].number = i;
  }
  models[0].in_use = true;
  return models;
}

// A shelf some of whose models cannot be read.
class FakeShelf final : public shell::ModelShelf {
 public:
  std::vector<shell::ShelfModel> list() override { return some_models(); }
  bf::Result<void> put(const shell::ShelfModel& model) override {
    log += "put " + std::string(model.name.view()) + "; ";
    if (bad.count(model.number) != 0) return Error::format("%lu is bad", model.number);
    return {};
  }
  void give_back(u8*, usize bytes) override { log += "back " + std::to_string(bytes) + "; "; }

  std::set<u64> bad;
  std::string log;
};

}  // namespace

TEST_CASE("the table of words is one that people can read") {
  std::set<std::string> names;
  for (const shell::Fact& word : shell::kWords) {
    CHECK(word.name[0] == '/');
    CHECK(names.insert(word.name).second);
    CHECK(std::strlen(word.name) + 1 + std::strlen(word.arguments) < shell::kHelpColumn - 2);
    CHECK(shell::kHelpColumn + std::strlen(word.help) <= 79);
    const std::string where = word.where;
    CHECK((where == "engine" || where == "both" || where == "bare metal"));
  }
}

TEST_CASE("a word that somebody provides is obeyed and listed, others are unknown") {
  i32 result = -1;
  CHECK(shown_by("/reboot", &result).empty());
  CHECK(result == BF_COMMAND_UNKNOWN);
  CHECK(shown_by("/help").find("/reboot") == std::string::npos);
  shell::provide(shell::Word::Reboot, echo);
  shell::provide(shell::Word::Save, echo);
  CHECK(shown_by("/reboot", &result) == "done\n");
  CHECK(result == BF_COMMAND_DONE);
  CHECK(shown_by("/help").find("  /reboot  ") != std::string::npos);
  CHECK(shown_by("/reboot now", &result) == "Use: /reboot\n");
  CHECK(result == BF_COMMAND_DONE);
  CHECK(shown_by("/save  a name with  spaces ", &result) == "done\n");
  CHECK(answer_arguments == "a name with  spaces");
  CHECK(shown_by("/save", &result) == "done\n");
  CHECK(answer_arguments.empty());
  for (const char* unknown : {"/", "/rebootx", "/Reboot", "reboot", "/reboot/", " /reboot"}) {
    INFO(unknown);
    CHECK(shown_by(unknown, &result).empty());
    CHECK(result == BF_COMMAND_UNKNOWN);
  }
  shell::provide(shell::Word::Reboot, nullptr);
  shell::provide(shell::Word::Save, nullptr);
}

TEST_CASE("an empty line is a turn of the word that goes on meanwhile") {
  static int turns = 0;
  shell::set_tick([] { ++turns; });
  CHECK(shown_by("").empty());
  CHECK(shown_by("").empty());
  shell::set_tick(nullptr);
  CHECK(shown_by("").empty());
  CHECK(turns == 2);
}

TEST_CASE("the account of memory is all of it, whatever the program says") {
  std::mt19937_64 random(5);
  void* block = heap::allocate(100'000);
  for (int round = 0; round < 2000; ++round) {
    const auto any = [&] { return random() % 3 == 0 ? 0 : random() % (u64{1} << (random() % 44)); };
    shell::Memory memory;
    memory.parts = {{"a", any()}, {"b", any()}};
    memory.pages = any();
    memory.modules = any();
    memory.model_in_pages = random() % 2 == 0;
    memory.bytes = memory.parts[0].bytes + memory.parts[1].bytes + memory.pages + memory.modules;
    BfAbout about = {};
    about.weights_bytes = any();
    about.cache_bytes = any();
    about.working_bytes = any();
    u64 sum = 0;
    for (const auto& part : shell::account(memory, about)) sum += part.bytes;
    REQUIRE(sum == memory.bytes);
  }
  heap::release(block);
}

TEST_CASE("/mem, /cpu and /save show what the platform says, in 80 columns") {
  shell::Machine machine;
  machine.memory = [] {
    shell::Memory m;
    m.whole = "RAM";
    m.bytes = 1'000'000'000'000;
    m.parts = {{"free", 999'999'000'000}, {"nothing of this", 0}};
    m.pages = 1'000'000;
    m.other_pages = "others";
    m.has_page_sizes = true;
    return m;
  };
  machine.processor = [](Text& out) { out.append("cores     1\n"); };
  static std::string name, text;
  machine.keep = [](std::string_view n, std::string_view t) -> bf::Result<Text> {
    name = n;
    text = t;
    if (n == "bad") return Error::format("there is no room");
    Text place;
    place.append("the moon");
    return place;
  };
  shell::provide_common(machine);
  const std::string mem = shown_by("/mem");
  CHECK(mem.find(" 999,999,000,000  953673.3 MiB  free\n") != std::string::npos);
  CHECK(mem.find(" 1,000,000,000,000  953674.3 MiB  RAM\n") != std::string::npos);
  CHECK(mem.find("nothing of this") == std::string::npos);
  CHECK(mem.find("mapped in 0 pages of 4 KiB, 0 of 2 MiB, 0 of 1 GiB\n") != std::string::npos);
  CHECK(longest_line(mem) < 80);
  const std::string cpu = shown_by("/cpu");
  for (const char* title : {"uses      sse2", "\ncapped ", "\nclock ", "\ncores ", "\ncounters ", "\ndate ", "\nup  "})
    CHECK(cpu.find(title) != std::string::npos);
  CHECK(longest_line(cpu) < 80);

  CHECK(shown_by("/save") == "Nothing has been said yet.\n");
  BfAbout about = {};
  about.conversation = "> Hello\nhello\n";
  about.conversation_bytes = std::strlen(about.conversation);
  CHECK(shown_by("/save my talk", nullptr, about) == "14 bytes kept as the moon\n");
  CHECK(name == "my talk");
  CHECK(text == about.conversation);
  CHECK(shown_by("/save bad", nullptr, about) == "Not kept: there is no room\n");
  shown_by("/save", nullptr, about);
  CHECK(name.size() == std::strlen("2026-11-21-205512.txt"));
  shell::provide_common({});
  CHECK(shell::default_file_name(1'700'000'000).view() == "2023-11-14-221320.txt");
  CHECK(shell::default_file_name(0).view() == "conversation.txt");
}

TEST_CASE("a model is meant by its number, its path or its last name") {
  const auto models = some_models();
  bool ambiguous = false;
  const auto meant = [&](std::string_view wish) -> int {
    const auto* found = shell::find_model(models, wish, ambiguous);
    return found == nullptr ? -1 : static_cast<int>(found->number);
  };
  CHECK(meant("1") == 0);
  CHECK(meant("3") == 2);
  CHECK(meant("4") == -1);
  CHECK(meant("0") == -1);
  CHECK(meant("99999999999999999999") == -1);
  CHECK(meant("TINY.gguf") == 0);
  CHECK(meant("models/story.GGUF") == 1);
  CHECK(meant("story.gguf") == -1);
  CHECK(ambiguous);
  CHECK(meant("tiny") == -1);
  CHECK(!ambiguous);
}

TEST_CASE("another model is brought, or the one before, and memory comes back in between") {
  FakeShelf shelf;
  shell::set_model_shelf(&shelf);
  u8 memory[64];
  shell::bring_model();  // nobody has asked for any
  shell::model_taken(memory, 64);
  CHECK(shelf.log.empty());

  i32 result = -1;
  CHECK(shown_by("/model").find("  1  tiny.gguf, 1 MiB, on disk0 (in use)\n") != std::string::npos);
  CHECK(shown_by("/model nothing", &result) == "There is no such model: nothing. /model lists them.\n");
  CHECK(result == BF_COMMAND_DONE);
  CHECK(shown_by("/model 2", &result).empty());
  CHECK(result == BF_COMMAND_TAKE_MODEL);
  CHECK(shelf.log.empty());  // not before the old one's memory is back
  CHECK_FALSE(shell::give_back_model(memory + 1));
  CHECK(shell::give_back_model(memory));
  CHECK_FALSE(shell::give_back_model(memory));
  shell::bring_model();
  CHECK(shelf.log == "back 64; put models/Story.gguf; ");

  shelf.log.clear();
  shelf.bad = {2};
  shown_by("/model 3");
  shell::bring_model();  // cannot be read: the one in use before
  CHECK(shelf.log == "put old/story.gguf; put tiny.gguf; ");

  shelf.log.clear();
  shelf.bad = {};
  shown_by("/model 2");
  shell::bring_model();
  shell::bring_model();  // the program comes back: it is no model
  CHECK(shelf.log == "put models/Story.gguf; put tiny.gguf; ");
  shell::set_model_shelf(nullptr);
}
