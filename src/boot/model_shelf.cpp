#include "boot/model_shelf.h"

#include <algorithm>

#include "arch/x86/blobs.h"
#include "arch/x86/memory.h"
#include "arch/x86/print.h"
#include "boot/machine_volumes.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

using x86::print;

constexpr u64 kPieceBytes = u64{32} << 20;
constexpr u64 kWorthProgress = u64{64} << 20;
constexpr std::string_view kModule = "boot module";

// What make_iso.py calls the model that GRUB loads: the same bytes as the module "model".
constexpr std::string_view kModuleFile = "boot/model.gguf";

// What is the blob "model", or was when the program took it.
struct InUse {
  Text name, place;
  u64 bytes = 0;
  u8* pages = nullptr;  // null: a boot module
};
InUse in_use;

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

std::string_view place_of(const fs::Volumes::Model& model) {
  return machine_volumes().all()[model.volume].name.view();
}

// The machine's blobs other than the model itself that are one.
bool is_model_module(const x86::Blob& blob) {
  const std::string_view name(blob.name);
  return name.size() > 5 && name.ends_with(".gguf");
}

bool is_in_use(const shell::ShelfModel& row) {
  if (in_use.place.view() != kModule)
    return row.name.view() == in_use.name.view() && row.place.view() == in_use.place.view();
  return row.name.view() == kModuleFile && row.bytes == in_use.bytes;
}

void note_in_use(std::string_view name, std::string_view place, u64 bytes, u8* pages) {
  in_use.name.clear();
  in_use.name.append(name);
  in_use.place.clear();
  in_use.place.append(place);
  in_use.bytes = bytes;
  in_use.pages = pages;
}

class Shelf final : public shell::ModelShelf {
 public:
  std::vector<shell::ShelfModel> list() override {
    std::vector<shell::ShelfModel> all = shelf_rows(machine_volumes().models());
    for (shell::ShelfModel& row : all) row.in_use = is_in_use(row);
    for (const x86::Blob& blob : x86::all_blobs()) {
      if (!is_model_module(blob)) continue;
      shell::ShelfModel row;
      row.name.append(blob.name);
      row.place.append(kModule);
      row.bytes = blob.bytes.size();
      all.push_back(std::move(row));
    }
    return all;
  }

  Result<void> put(const shell::ShelfModel& model) override {
    if (model.place.view() == kModule) return put_module(model);
    const auto models = machine_volumes().models();
    for (const auto& m : models)
      if (m.path.view() == model.name.view() && place_of(m) == model.place.view()) return load_model(m);
    const auto name = model.name.view();
    return Error::format("model %.*s: it is not there any more", printed_length(name), name.data());
  }

  void give_back(u8* memory, usize bytes) override {
    if (memory == in_use.pages) {
      platform::free_pages(memory, bytes);
      in_use.pages = nullptr;
      return;
    }
    x86::release_module(reinterpret_cast<u64>(memory), bytes);
  }

 private:
  static Result<void> put_module(const shell::ShelfModel& model) {
    const auto name = model.name.view();
    if (!x86::rename_blob(name, "model"))
      return Error::format("model %.*s: it is not there any more", printed_length(name), name.data());
    note_in_use(name, kModule, model.bytes, nullptr);
    return {};
  }
};

Shelf shelf;

}  // namespace

std::vector<shell::ShelfModel> shelf_rows(std::span<const fs::Volumes::Model> models) {
  std::vector<shell::ShelfModel> rows;
  for (const auto& model : models) {
    shell::ShelfModel& row = rows.emplace_back();
    row.name.append(model.path.view());
    row.place.append(place_of(model));
    row.bytes = model.bytes;
  }
  return rows;
}

Result<void> load_model(const fs::Volumes::Model& model) {
  auto file = machine_volumes().open(model);
  if (!file) return file.error();
  const u64 start = platform::clock_ns();
  auto* memory = static_cast<u8*>(x86::take_pages(model.bytes));
  if (memory == nullptr)
    return Error::format(
        "not enough memory for the model: it has %lu MiB, %lu MiB are free: give "
        "the machine more",
        model.bytes >> 20, x86::free_memory_bytes() >> 20);
  auto done = read_file(*file, {memory, model.bytes});
  if (done && !x86::add_blob("model", {memory, model.bytes})) done = Error::format("too many boot modules");
  if (!done) {
    platform::free_pages(memory, model.bytes);
    return done;
  }
  const u64 time = platform::clock_ns() - start;
  const auto path = model.path.view(), place = place_of(model);
  note_in_use(path, place, model.bytes, memory);
  print("[boot] model: %.*s, %lu bytes from %.*s in %lu ms, %lu MB/s\n", printed_length(path), path.data(),
        model.bytes, printed_length(place), place.data(), time / 1'000'000,
        megabytes_a_second(model.bytes, time));
  return {};
}

shell::ModelShelf& model_shelf() {
  if (in_use.place.view().empty())
    note_in_use(kModule, kModule, platform::blob("model").size(), nullptr);
  return shelf;
}

bool model_is_from_disk() {
  return in_use.pages != nullptr;
}

}  // namespace bf::boot
