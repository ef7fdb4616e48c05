#include "runtime/side_log.h"

#include "runtime/lock.h"
#include "runtime/platform.h"
#include "runtime/text.h"

namespace bf::side_log {

namespace {

Lock lock;
bool patient = false;
bool line_open = false;

Text& waiting() {
  static Text text;
  return text;
}

void let_go() {
  if (waiting().view().empty()) return;
  platform::write(platform::Stream::Log, waiting().view());
  waiting().clear();
}

}  // namespace

void set_patient(bool on) {
  LockGuard guard(lock);
  patient = on;
  if (!on) let_go();
}

void write(std::string_view lines) {
  LockGuard guard(lock);
  if (patient && line_open) return waiting().append(lines);
  platform::write(platform::Stream::Log, lines);
}

void text_written(std::string_view bytes) {
  if (bytes.empty()) return;
  LockGuard guard(lock);
  line_open = bytes.back() != '\n';
  if (!line_open) let_go();
}

}  // namespace bf::side_log
