#include "boot/disk_model.h"

#include <algorithm>

#include "arch/x86/disks.h"
#include "arch/x86/print.h"
#include "boot/machine_volumes.h"
#include "boot/model_shelf.h"
#include "runtime/fs/unicode.h"
#include "runtime/options.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

using fs::Volumes;
using platform::Stream;
using x86::print;

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

usize ask(const Volumes& volumes, std::span<const Volumes::Model> models) {
  Text text;
  text.append("Models on the disks of this machine:\n");
  append_table(text, volumes, models);
  text.format("Which one (1 to %lu, Enter for the first)? ", models.size());
  platform::write(Stream::Text, text.view());
  return shell::ask_number(models.size());
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

}  // namespace

Result<void> find_model() {
  const auto name = options::find("model");
  if (!name && platform::blob("model").data() != nullptr) return {};
  if (platform::blob("program").data() == nullptr) return {};
  Volumes& volumes = machine_volumes();
  const auto models = volumes.models();
  if (models.empty() && !name) {
    print("[disk] no model on %lu disks\n", x86::find_disks().size());
    return {};
  }
  auto model = choose(volumes, models, name);
  if (!model) return model.error();
  platform::drop_blob("model");
  return load_model(**model);
}

}  // namespace bf::boot
