#include "tools/gguf/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bf::gguf {

Result<InputFile> InputFile::open(const char* path) {
  const auto failure = [path] {
    return Error::format("cannot read %s: %s", path, strerror(errno));
  };
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return failure();
  struct stat status;
  const bool known = fstat(file, &status) == 0;
  if (known && S_ISDIR(status.st_mode)) errno = EISDIR;
  if (!known || S_ISDIR(status.st_mode)) return close(file), failure();
  const usize bytes = static_cast<usize>(status.st_size);
  if (bytes == 0) {
    close(file);
    return Error::format("%s is empty", path);
  }
  void* const memory = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (memory == MAP_FAILED) return failure();
  return InputFile({static_cast<const u8*>(memory), bytes});
}

InputFile::~InputFile() {
  if (!bytes_.empty()) munmap(const_cast<u8*>(bytes_.data()), bytes_.size());
}

Result<OutputFile> OutputFile::create(const char* path, u64 bytes) {
  OutputFile output(path, -1);
  output.file_ = ::open(output.temporary().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (output.file_ < 0) return output.failure();
  // Room for all of it, or the disk is too full now and not after minutes of work.
  if (const int error = posix_fallocate(output.file_, 0, static_cast<off_t>(bytes)); error != 0) {
    errno = error;
    return output.failure();
  }
  return output;
}

OutputFile::~OutputFile() {
  if (file_ < 0) return;
  close(file_);
  unlink(temporary().c_str());
}

Result<void> OutputFile::write(u64 offset, const void* data, u64 bytes) const {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = pwrite(file_, at, bytes, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure();
    at += written;
    offset += static_cast<u64>(written);
    bytes -= static_cast<u64>(written);
  }
  return {};
}

Result<void> OutputFile::finish() {
  const bool closed = close(std::exchange(file_, -1)) == 0;
  if (closed && rename(temporary().c_str(), path_.c_str()) == 0) return {};
  const Error error = failure();
  unlink(temporary().c_str());
  return error;
}

Error OutputFile::failure() const {
  return Error::format("cannot write %s: %s", path_.c_str(), strerror(errno));
}

}  // namespace bf::gguf
