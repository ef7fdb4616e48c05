#include "runtime/shell/models.h"

#include <algorithm>

#include "runtime/platform.h"
#include "runtime/shell/shell.h"

namespace bf::shell {

namespace {

using platform::Stream;

ModelShelf* shelf = nullptr;

struct Taken {
  u8* memory = nullptr;
  usize bytes = 0;
};
Taken taken;

// What the next bring_model() tries, in this order.
enum class Next : u8 { Nothing, Wanted, Former, Choice };
Next next = Next::Nothing;
ShelfModel wanted, former;
bool has_former = false;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

// A whole number without anything else; 0 if it is none.
usize number_of(std::string_view text) {
  usize number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || number > 10'000) return 0;
    number = 10 * number + static_cast<usize>(c - '0');
  }
  return number;
}

void log_error(const char* message) {
  Text line;
  line.format("error: %s\n", message);
  platform::write(Stream::Log, line.view());
}

bool try_model(const ShelfModel& model) {
  auto put = shelf->put(model);
  if (!put) log_error(put.error().message());
  return static_cast<bool>(put);
}

// Which of them, as a person says it; none at the end of the input.
bool try_choice() {
  for (;;) {
    const auto models = shelf->list();
    if (models.empty()) return false;
    const usize number = ask_which("Models that can be read:\n", models);
    if (number == 0) return false;
    if (try_model(models[number - 1])) return true;
  }
}

Answer list_models(Call& call, std::span<const ShelfModel> models) {
  call.out.append({call.about.model, call.about.model_bytes});
  if (models.empty()) {
    call.out.append("There is no other model on this machine's disks.\n");
    return kDone;
  }
  write_models(call.out, models);
  return kDone;
}

Answer model_word(Call& call) {
  const auto models = shelf->list();
  if (call.arguments.empty()) return list_models(call, models);
  bool ambiguous = false;
  const ShelfModel* found = find_model(models, call.arguments, ambiguous);
  if (found == nullptr) {
    call.out.format("%s: %.*s. /model lists them.\n",
                    ambiguous ? "Several models are called that" : "There is no such model",
                    printed_length(call.arguments), call.arguments.data());
    return kDone;
  }
  has_former = false;
  for (const ShelfModel& model : models)
    if (model.in_use) {
      former = model;
      has_former = true;
    }
  wanted = *found;
  next = Next::Wanted;
  return BF_COMMAND_TAKE_MODEL;
}

}  // namespace

void set_model_shelf(ModelShelf* of_platform) {
  shelf = of_platform;
  next = Next::Nothing;
  provide(Word::Model, shelf == nullptr ? nullptr : model_word);
}

void bring_model() {
  if (shelf == nullptr) return;
  if (next == Next::Wanted) {
    next = Next::Former;
    if (try_model(wanted)) return;
  }
  if (next == Next::Former) {
    next = Next::Choice;
    if (has_former && try_model(former)) return;
  }
  if (next == Next::Choice && !try_choice()) next = Next::Nothing;
}

void model_taken(u8* memory, usize bytes) {
  if (memory != nullptr) taken = {memory, bytes};
}

bool give_back_model(void* memory) {
  if (memory == nullptr || memory != taken.memory) return false;
  if (shelf != nullptr) shelf->give_back(taken.memory, taken.bytes);
  taken = {};
  return true;
}

std::string_view last_part(std::string_view path) {
  const usize slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

void write_models(Text& out, std::span<const ShelfModel> models) {
  for (usize i = 0; i < models.size(); ++i) {
    const std::string_view name = models[i].name.view(), place = models[i].place.view();
    out.format("%3lu  %.*s, %lu MiB, on %.*s%s\n", static_cast<unsigned long>(i + 1), printed_length(name), name.data(),
               static_cast<unsigned long>(models[i].bytes >> 20), printed_length(place), place.data(),
               models[i].in_use ? " (in use)" : "");
  }
}

const ShelfModel* find_model(std::span<const ShelfModel> models, std::string_view wish,
                             bool& ambiguous) {
  ambiguous = false;
  if (const usize number = number_of(wish); number != 0)
    return number <= models.size() ? &models[number - 1] : nullptr;
  const ShelfModel* found = nullptr;
  for (const ShelfModel& model : models) {
    if (same(model.name.view(), wish)) return &model;
    if (!same(last_part(model.name.view()), wish)) continue;
    ambiguous = found != nullptr;
    found = &model;
  }
  return ambiguous ? nullptr : found;
}

usize ask_which(std::string_view title, std::span<const ShelfModel> models) {
  Text text;
  text.append(title);
  write_models(text, models);
  text.format("Which one (1 to %lu, Enter for the first)? ", static_cast<unsigned long>(models.size()));
  platform::write(Stream::Text, text.view());
  return ask_number(models.size());
}

usize ask_number(usize most) {
  usize number = 0;
  for (u8 key; platform::read(&key, 1) == 1 && key != 4;) {
    const bool digit = key >= '0' && key <= '9';
    if (key == '\r' || key == '\n') {
      platform::write(Stream::Text, "\n");
      if (number == 0) return 1;
      if (number <= most) return number;
      Text text;
      text.format("A number from 1 to %lu: ", static_cast<unsigned long>(most));
      platform::write(Stream::Text, text.view());
      number = 0;
    } else if (key == '\b' || key == 0x7f) {
      if (number != 0) platform::write(Stream::Text, "\b \b");
      number /= 10;
    } else if (digit && number < 1000 && (number != 0 || key != '0')) {
      number = 10 * number + (key - '0');
      platform::write(Stream::Text, {reinterpret_cast<const char*>(&key), 1});
    }
  }
  return 0;
}

}  // namespace bf::shell
