// Files as the tool uses them: whole inputs mapped, outputs written in any order by many threads.
//
//   auto input = InputFile::open("in.gguf");
//   auto output = OutputFile::create("out.gguf", bytes);
//   output->write(offset, data, size);      // from any thread
//   output->finish();                       // only now out.gguf is there
#pragma once

#include <span>
#include <string>

#include "runtime/base.h"

namespace bf::gguf {

class InputFile {
 public:
  static Result<InputFile> open(const char* path);
  InputFile(InputFile&& other) : bytes_(std::exchange(other.bytes_, {})) {}
  ~InputFile();

  std::span<const u8> bytes() const { return bytes_; }

 private:
  explicit InputFile(std::span<const u8> bytes) : bytes_(bytes) {}

  std::span<const u8> bytes_;
};

// Written beside its place under another name, which is gone where it is never finished: nobody
// finds half a file, and a file may be converted onto itself.
class OutputFile {
 public:
  static Result<OutputFile> create(const char* path, u64 bytes);
  OutputFile(OutputFile&& other)
      : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
  ~OutputFile();

  Result<void> write(u64 offset, const void* data, u64 bytes) const;
  Result<void> finish();

 private:
  OutputFile(const char* path, int file) : path_(path), file_(file) {}
  std::string temporary() const { return path_ + ".part"; }
  Error failure() const;

  std::string path_;
  int file_;
};

}  // namespace bf::gguf
