#include "boot/machine_volumes.h"

#include <algorithm>

#include "arch/x86/disks.h"
#include "arch/x86/print.h"
#include "runtime/calendar.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

fs::Volumes* volumes = nullptr;

// FAT's calendar begins in 1980; nobody knows the date where the clock says 1970.
fs::DateTime date_for_files() {
  const DateAndTime d = date_of(platform::wall_clock());
  if (d.year < 1980) return {};
  return {d.year, d.month, d.day, d.hour, d.minute, d.second};
}

}  // namespace

void log_disk_lines(std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    x86::print("[disk] %.*s\n", printed_length(line), line.data());
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
  }
}

fs::Volumes& machine_volumes() {
  if (volumes == nullptr) {
    volumes = new fs::Volumes;
    for (x86::DmaDisk* disk : x86::find_disks()) volumes->add(*disk);
    volumes->set_clock(date_for_files);
    log_disk_lines(volumes->notes());
  }
  return *volumes;
}

}  // namespace bf::boot
