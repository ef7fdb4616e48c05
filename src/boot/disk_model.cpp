#include "boot/disk_model.h"

#include <algorithm>

#include "arch/x86/blobs.h"
#include "arch/x86/disks.h"
#include "arch/x86/memory.h"
#include "arch/x86/print.h"
#include "runtime/fs/unicode.h"
#include "runtime/fs/volumes.h"
#include "runtime/options.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

using fs::Volumes;
using platform::Stream;
using x86::print;

constexpr u64 kPieceBytes = u64{32} << 20;
constexpr u64 kWorthProgress = u64{64} << 20;

int length(std::string_view text) {
  return static_cast<int>(std::min<usize>(text.size(), 100));
}

void log_lines(std::string_view lines) {
  while (!lines.empty()) {
    const usize end = std::min(lines.find('\n'), lines.size());
    print("[disk] %.*s\n", length(lines.substr(0, end)), lines.data());
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

std::string_view last_name(std::string_view path) {
  const usize slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_called(const Volumes::Model& model, std::string_view name) {
  const auto path = model.path.view();
  return fs::same_name(path, name) || fs::same_name(last_name(path), name);
}

// A row for each model: number, name, size, place.
void append_table(Text& text, const Volumes& volumes, std::span<const Volumes::Model> models) {
  for (usize i = 0; i < models.size(); ++i) {
    const auto path = models[i].path.view();
    const auto place = volumes.all()[models[i].volume].name.view();
    text.format("%3lu  %.*s, %lu MiB, on %.*s\n", i + 1, length(path), path.data(),
                models[i].bytes >> 20, length(place), place.data());
  }
}

// A number and Enter; 0 at the end of the input.
usize read_number() {
  usize number = 0;
  for (u8 key; platform::read(&key, 1) == 1 && key != 4;) {
    const bool digit = key >= '0' && key <= '9';
    if (key == '\r' || key == '\n') {
      platform::write(Stream::Text, "\n");
      return number == 0 ? 1 : number;
    }
    if (key == '\b' || key == 0x7f) {
      if (number != 0) platform::write(Stream::Text, "\b \b");
      number /= 10;
    } else if (digit && number < 1000 && (number != 0 || key != '0')) {
      number = 10 * number + (key - '0');
      platform::write(Stream::Text, {reinterpret_cast<const char*>(&key), 1});
    }
  }
  return 0;
}

usize ask(const Volumes& volumes, std::span<const Volumes::Model> models) {
  Text text;
  text.append("Models on the disks of this machine:\n");
  append_table(text, volumes, models);
  for (;;) {
    text.format("Which one (1 to %lu, Enter for the first)? ", models.size());
    platform::write(Stream::Text, text.view());
    const usize number = read_number();
    if (number <= models.size()) return number;
    text.clear();
  }
}

Result<const Volumes::Model*> choose(const Volumes& volumes, std::span<const Volumes::Model> models,
                                     std::optional<std::string_view> name) {
  if (name) {
    for (const Volumes::Model& model : models)
      if (is_called(model, *name)) return &model;
    return Error::format("model=%.*s: there is no such file on the %lu volumes of this machine",
                         length(*name), name->data(), volumes.all().size());
  }
  if (models.size() == 1) return &models[0];
  if (options::find("interactive").value_or("0") == "1") {
    const usize number = ask(volumes, models);
    if (number == 0) return Error::format("no model was chosen");
    return &models[number - 1];
  }
  Text table;
  append_table(table, volumes, models);
  log_lines(table.view());
  return Error::format("there are %lu models on the disks: choose one with the option model=NAME",
                       models.size());
}

u64 megabytes_a_second(u64 bytes, u64 nanoseconds) {
  return bytes * 1000 / std::max<u64>(nanoseconds, 1);
}

Result<void> read_file(const fs::File& file, std::span<u8> to) {
  const u64 start = platform::clock_ns();
  u64 shown = 0;
  for (u64 at = 0; at < to.size();) {
    const u64 piece = std::min<u64>(kPieceBytes, to.size() - at);
    if (auto done = file.read(at, to.subspan(at, piece)); !done) return done;
    at += piece;
    const u64 tenth = at * 10 / to.size();
    if (tenth == shown || at == to.size() || to.size() < kWorthProgress) continue;
    shown = tenth;
    print("[disk] %lu %% read, %lu MB/s\n", 10 * tenth,
          megabytes_a_second(at, platform::clock_ns() - start));
  }
  return {};
}

Result<void> load(Volumes& volumes, const Volumes::Model& model) {
  auto file = volumes.open(model);
  if (!file) return file.error();
  const u64 start = platform::clock_ns();
  auto* memory = static_cast<u8*>(x86::take_pages(model.bytes));
  if (memory == nullptr)
    return Error::format(
        "not enough memory for the model: it has %lu MiB, %lu MiB are free: give "
        "the machine more",
        model.bytes >> 20, x86::free_memory_bytes() >> 20);
  if (auto done = read_file(*file, {memory, model.bytes}); !done) return done;
  if (!x86::add_blob("model", {memory, model.bytes})) return Error::format("too many boot modules");
  const u64 time = platform::clock_ns() - start;
  const auto path = model.path.view(), place = volumes.all()[model.volume].name.view();
  print("[boot] model: %.*s, %lu bytes from %.*s in %lu ms, %lu MB/s\n", length(path), path.data(),
        model.bytes, length(place), place.data(), time / 1'000'000,
        megabytes_a_second(model.bytes, time));
  return {};
}

}  // namespace

Result<void> find_model() {
  const auto name = options::find("model");
  if (!name && platform::blob("model").data() != nullptr) return {};
  if (platform::blob("program").data() == nullptr) return {};
  Volumes volumes;
  for (x86::DmaDisk* disk : x86::find_disks()) volumes.add(*disk);
  const auto models = volumes.models();
  log_lines(volumes.notes());
  if (models.empty() && !name) {
    print("[disk] no model on %lu disks\n", x86::find_disks().size());
    return {};
  }
  auto model = choose(volumes, models, name);
  if (!model) return model.error();
  platform::drop_blob("model");
  return load(volumes, **model);
}

}  // namespace bf::boot
