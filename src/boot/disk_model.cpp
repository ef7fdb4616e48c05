#include "boot/disk_model.h"

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
using x86::print;

bool is_called(const Volumes::Model& model, std::string_view name) {
  const auto path = model.path.view();
  return fs::same_name(path, name) || fs::same_name(shell::last_part(path), name);
}

Result<const Volumes::Model*> choose(const Volumes& volumes, std::span<const Volumes::Model> models,
                                     std::optional<std::string_view> name) {
  if (name) {
    for (const Volumes::Model& model : models)
      if (is_called(model, *name)) return &model;
    return Error::format("model=%.*s: there is no such file on the %lu volumes of this machine",
                         printed_length(*name), name->data(), volumes.all().size());
  }
  if (models.size() == 1) return &models[0];
  if (options::find("interactive").value_or("0") == "1") {
    const usize number = shell::ask_which("Models on the disks of this machine:\n", shelf_rows(models));
    if (number == 0) return Error::format("no model was chosen");
    return &models[number - 1];
  }
  Text table;
  shell::write_models(table, shelf_rows(models));
  log_disk_lines(table.view());
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
