#include "boot/host_words.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"
#include "runtime/shell/machine.h"
#include "runtime/shell/models.h"

namespace bf {

namespace {

// ---- /mem: what the process has mapped

struct Mapped {
  u64 all = 0, resident = 0;  // bytes
};

Mapped mapped() {
  unsigned long long all = 0, resident = 0;
  if (FILE* file = fopen("/proc/self/statm", "r")) {
    if (fscanf(file, "%llu %llu", &all, &resident) != 2) all = resident = 0;
    fclose(file);
  }
  return {all * platform::kPageBytes, resident * platform::kPageBytes};
}

shell::Memory memory() {
  const Mapped now = mapped();
  shell::Memory m;
  m.whole = "mapped by this process";
  m.bytes = m.pages = now.all;
  m.model_in_pages = true;
  m.other_pages = "the engine and its code, the rest of the process";
  m.notes = {{"resident, of all that", now.resident}};
  return m;
}

// ---- /cpu

std::string brand() {
  std::string found = "unknown";
  FILE* const file = fopen("/proc/cpuinfo", "r");
  char line[256];
  while (file != nullptr && fgets(line, sizeof line, file) != nullptr) {
    const char* const colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || colon == nullptr) continue;
    found = colon + 2;
    found.erase(found.find_last_not_of('\n') + 1);
    break;
  }
  if (file != nullptr) fclose(file);
  return found;
}

void processor(Text& out) {
  out.append("          measured by the system's clock\nbrand     ");
  out.append(brand());
  out.format("\ncores     %u threads on %lu processors\n", platform::core_count(),
             static_cast<unsigned long>(host::processor_count()));
}

// ---- /save: a file of the host

Error cannot_write(const std::string& name, int reason) {
  return Error::format("cannot write %s: %s", name.c_str(), strerror(reason));
}

// What a text replaces: a regular file, perhaps behind symbolic links, or nothing yet.
struct Target {
  std::string path;
  bool is_there = false;
  mode_t mode = 0;  // of what is there
};

Result<Target> target_of(const std::string& name) {
  Target target{name};
  struct stat facts;
  if (lstat(name.c_str(), &facts) != 0) {
    if (errno == ENOENT) return target;
    return cannot_write(name, errno);
  }
  if (S_ISLNK(facts.st_mode)) {
    char* const end = realpath(name.c_str(), nullptr);
    if (end == nullptr) return cannot_write(name, errno);
    target.path = end;
    free(end);
    if (lstat(target.path.c_str(), &facts) != 0) return cannot_write(name, errno);
  }
  if (!S_ISREG(facts.st_mode))
    return Error::format("%s is there and is no regular file: name another", name.c_str());
  target.is_there = true;
  target.mode = facts.st_mode & 07777;
  return target;
}

// A file that nobody else has, in the folder of `path`; null, with errno, if there can be none.
FILE* file_beside(const std::string& path, std::string& fresh) {
  constexpr int kMostNames = 100;
  const usize slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  FILE* file = nullptr;
  for (int i = 0; i < kMostNames && file == nullptr; ++i) {
    fresh = folder + ".save-" + std::to_string(getpid()) + "-" + std::to_string(i);
    file = fopen(fresh.c_str(), "wbxe");
    if (file == nullptr && errno != EEXIST) break;
  }
  return file;
}

// Under another name first: what is there is whole, the old text or the new one.
Result<Text> keep(std::string_view name, std::string_view text) {
  const std::string path(name);
  auto target = target_of(path);
  if (!target) return target.error();
  std::string fresh;
  FILE* const file = file_beside(target->path, fresh);
  if (file == nullptr) return cannot_write(path, errno);
  if (target->is_there) fchmod(fileno(file), target->mode);  // not all file systems have modes
  bool done = fwrite(text.data(), 1, text.size(), file) == text.size();
  done = fclose(file) == 0 && done;
  if (!done || rename(fresh.c_str(), target->path.c_str()) != 0) {
    const int reason = errno;
    unlink(fresh.c_str());
    return cannot_write(path, reason);
  }
  Text place;
  place.append(path);
  return place;
}

// ---- /model: the files beside the one in use

class Shelf final : public shell::ModelShelf {
 public:
  explicit Shelf(const std::string& path) : path_(path) {}

  std::vector<shell::ShelfModel> list() override {
    std::vector<std::string> names;
    if (DIR* const directory = opendir(folder().c_str())) {
      while (const dirent* entry = readdir(directory))
        if (std::string_view(entry->d_name).ends_with(".gguf")) names.push_back(entry->d_name);
      closedir(directory);
    }
    std::sort(names.begin(), names.end());
    std::vector<shell::ShelfModel> models;
    for (const std::string& name : names) {
      struct stat facts;
      const std::string path = folder() + "/" + name;
      if (stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
      shell::ShelfModel model;
      model.name.append(name);
      model.place.append(folder());
      model.bytes = static_cast<u64>(facts.st_size);
      model.in_use = path == path_ || (folder() == "." && name == path_);
      models.push_back(std::move(model));
    }
    return models;
  }

  Result<void> put(const shell::ShelfModel& model) override {
    const std::string path = std::string(model.place.view()) + "/" + std::string(model.name.view());
    auto done = host::map_blob("model", path);
    if (done) path_ = path;
    return done;
  }

  void give_back(u8* memory, usize bytes) override {
    if (bytes != 0) munmap(memory, align_up(bytes, platform::kPageBytes));
  }

 private:
  std::string folder() const {
    const usize slash = path_.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
  }

  std::string path_;
};

}  // namespace

void provide_host_words() {
  shell::provide_common({.memory = memory, .processor = processor, .keep = keep});
  if (const std::string path = host::blob_path("model"); !path.empty()) {
    static Shelf shelf(path);
    shell::set_model_shelf(&shelf);
  }
}

}  // namespace bf
