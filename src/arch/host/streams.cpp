#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"

namespace bf {

namespace {

constexpr int kNobody = -1;
int profile_file = kNobody;
int logits_file = kNobody;
int write_error = 0;  // errno of the first output that was lost, of all but the log

int file_of(platform::Stream stream) {
  switch (stream) {
    case platform::Stream::Text:
      return STDOUT_FILENO;
    case platform::Stream::Log:
      return STDERR_FILENO;
    case platform::Stream::Profile:
      return profile_file;
    case platform::Stream::Logits:
      return logits_file;
  }
  return kNobody;
}

// Whether one terminal shows both the text and the log.
bool share_a_terminal() {
  static const bool shared = [] {
    struct stat text, log;
    return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && fstat(STDOUT_FILENO, &text) == 0 &&
           fstat(STDERR_FILENO, &log) == 0 && text.st_rdev == log.st_rdev;
  }();
  return shared;
}

// Where the log would go on in the middle of a line of text, it starts a line of its own.
bool needs_line_break(platform::Stream stream, std::string_view bytes) {
  static std::atomic<bool> text_line_open{false};  // a guess, where several threads write
  const bool shown = stream == platform::Stream::Text || stream == platform::Stream::Log;
  if (!shown || bytes.empty()) return false;
  const bool breaks = stream == platform::Stream::Log && text_line_open && share_a_terminal();
  text_line_open = stream == platform::Stream::Text && bytes.back() != '\n';
  return breaks;
}

}  // namespace

void host::open_missing_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", O_RDWR);
}

int host::lost_output() {
  return write_error;
}

Result<void> host::open_stream(const std::string& name, const std::string& file) {
  if (name != "profile" && name != "logits") {
    return Error::format("error: --stream %s=%s: the streams with a file are profile and logits",
                         name.c_str(), file.c_str());
  }
  int& opened = name == "profile" ? profile_file : logits_file;
  opened = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (opened < 0)
    return Error::format("error: cannot write %s: %s", file.c_str(), strerror(errno));
  return {};
}

void platform::write(Stream stream, std::string_view bytes) {
  const int file = file_of(stream);
  if (needs_line_break(stream, bytes)) ::write(file, "\n", 1);
  while (file != kNobody && !bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      if (write_error == 0 && stream != Stream::Log) write_error = errno;
      return;
    }
    bytes.remove_prefix(static_cast<usize>(written));
  }
}

bool platform::has_stream(Stream stream) {
  return file_of(stream) != kNobody;
}

usize platform::read(void* buffer, usize capacity) {
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, capacity);
    if (count >= 0) return static_cast<usize>(count);
    if (errno != EINTR) return 0;
  }
}

bool platform::read_ready() {
  pollfd input = {STDIN_FILENO, POLLIN, 0};
  return poll(&input, 1, 0) > 0;
}

}  // namespace bf
