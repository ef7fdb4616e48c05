#include "runtime/status_line.h"

#include "runtime/platform.h"

namespace bf::status_line {

namespace {

void (*show_line)(std::string_view) = nullptr;
void (*write_engine_part)(Text&) = nullptr;

}  // namespace

void show_on(void (*show)(std::string_view)) {
  show_line = show;
}

bool is_shown() {
  return show_line != nullptr;
}

void set_engine_part(void (*write)(Text&)) {
  write_engine_part = write;
}

void update(std::string_view program_part) {
  if (show_line == nullptr) return;
  Text line;
  line.append(" ");
  line.append(program_part);
  line.append(" │ ");
  if (write_engine_part != nullptr) {
    write_engine_part(line);
    line.append(" │ ");
  }
  const u32 cores = platform::core_count();
  line.format("%u core%s", cores, cores == 1 ? "" : "s");
  show_line(line.view());
}

}  // namespace bf::status_line
