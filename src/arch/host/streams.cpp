#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"

namespace bf {

namespace {

constexpr int kNobody = -1;
int profile_file = kNobody;

int file_of(platform::Stream stream) {
  switch (stream) {
    case platform::Stream::Text:
      return STDOUT_FILENO;
    case platform::Stream::Log:
      return STDERR_FILENO;
    case platform::Stream::Profile:
      return profile_file;
  }
  return kNobody;
}

}  // namespace

Result<void> host::open_stream(const std::string& name, const std::string& file) {
  if (name != "profile") {
    return Error::format("error: --stream %s=%s: the only stream with a file is profile",
                         name.c_str(), file.c_str());
  }
  profile_file = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (profile_file < 0)
    return Error::format("error: cannot write %s: %s", file.c_str(), strerror(errno));
  return {};
}

void platform::write(Stream stream, std::string_view bytes) {
  const int file = file_of(stream);
  while (file != kNobody && !bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
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
