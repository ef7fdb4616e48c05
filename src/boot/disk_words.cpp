#include "boot/disk_words.h"

#include "arch/x86/disks.h"
#include "boot/machine_volumes.h"
#include "runtime/fs/partitions.h"

namespace bf::boot {

namespace {

using fs::Volumes;

// "637 MiB", "1.5 GiB", "40 KiB".
void append_size(Text& out, u64 bytes) {
  constexpr u64 kKiB = 1 << 10, kMiB = 1 << 20, kGiB = 1 << 30;
  if (bytes < kMiB) return out.format("%lu KiB", bytes / kKiB);
  if (bytes < 10 * kGiB) return out.format("%lu MiB", bytes / kMiB);
  out.append_decimal(bytes, kGiB, 1);
  out.append(" GiB");
}

void write_models(Text& out, std::span<const Volumes::Model> models, u32 volume) {
  for (const Volumes::Model& model : models) {
    if (model.volume != volume) continue;
    const auto path = model.path.view();
    out.format("    model %.*s, ", printed_length(path, 50), path.data());
    append_size(out, model.bytes);
    out.append("\n");
  }
}

void write_volume(Text& out, const Volumes::Volume& volume, bool has_files) {
  const auto label = volume.system->label();
  out.format("%s", volume.system->kind());
  if (!label.empty()) out.format(" \"%.*s\"", printed_length(label, 32), label.data());
  if (volume.fat == nullptr) return out.append("\n");
  if (auto free = volume.fat->free_bytes()) {
    out.append(", ");
    append_size(out, *free);
    out.append(" free");
  }
  if (!volume.fat->writable()) out.append(", read-only");
  out.append(has_files ? "\n    keeps the machine's files\n" : "\n");
}

// One that nothing is known of has no volume.
void write_part(Text& out, const x86::DmaDisk& disk, u32 number, u64 bytes, std::string_view name,
                std::span<const Volumes::Model> models, std::string_view store) {
  Text title;
  title.append(disk.name());
  if (number != 0) title.format(", partition %u", number);
  if (number == 0) out.append("  the whole of it: ");
  else out.format("  partition %u", number);
  if (!name.empty()) out.format(" \"%.*s\"", printed_length(name, 24), name.data());
  if (number != 0) {
    out.append(", ");
    append_size(out, bytes);
    out.append(": ");
  }
  const auto& all = machine_volumes().all();
  for (u32 i = 0; i < all.size(); ++i) {
    if (all[i].name.view() != title.view()) continue;
    write_volume(out, all[i], !store.empty() && all[i].name.view() == store);
    return write_models(out, models, i);
  }
  out.append("nothing that can be read\n");
}

bool is_whole_volume(const x86::DmaDisk& disk) {
  for (const auto& volume : machine_volumes().all())
    if (volume.name.view() == disk.name()) return true;
  return false;
}

void write_disk(Text& out, x86::DmaDisk& disk, std::span<const Volumes::Model> models, std::string_view store) {
  out.format("%s: ", disk.name());
  append_size(out, disk.bytes());
  out.format(", sectors of %u bytes%s (%s)\n", disk.sector_bytes(), disk.writable() ? "" : ", read-only",
             disk.description());
  const bool whole = is_whole_volume(disk);
  if (whole) write_part(out, disk, 0, disk.bytes(), "", models, store);
  u32 number = 0;
  for (const fs::Partition& partition : fs::find_partitions(disk).partitions) {
    ++number;
    if (whole && partition.first == 0) continue;  // it again
    write_part(out, disk, number, partition.count * disk.sector_bytes(), partition.name.view(), models, store);
  }
  if (!whole && number == 0) out.append("  neither partitions nor a file system\n");
}

}  // namespace

shell::Answer disks_word(shell::Call& call) {
  Volumes& volumes = machine_volumes();
  const auto models = volumes.models();
  const fs::FileStore store(volumes);
  for (x86::DmaDisk* disk : x86::find_disks()) write_disk(call.out, *disk, models, store.place());
  if (x86::find_disks().empty()) call.out.append("There are no disks.\n");
  return shell::kDone;
}

}  // namespace bf::boot
