#include "tools/run/inspect.h"

#include <cstdio>
#include <cstring>

#include "microjit/inspect/gdb_jit.h"
#include "microjit/inspect/kept_code.h"
#include "microjit/inspect/perf_map.h"
#include "microjit/inspect/sampler.h"

namespace bf::run {

namespace {

constexpr u32 kSamplesPerSecond = 999;  // not in step with what ticks a thousand times

// All of these live as long as the engine, which is never destroyed.
microjit::Sampler* sampler = nullptr;
microjit::KeptCode *disassembled = nullptr, *annotated = nullptr;

void complain(const char* what, const char* why) {
  std::fprintf(stderr, "bf-run: %s: %s\n", what, why);
}

void write_file(const std::string& name, const Text& text) {
  std::FILE* file = std::fopen(name.c_str(), "w");
  if (!file) return complain(name.c_str(), std::strerror(errno));
  std::fwrite(text.view().data(), 1, text.view().size(), file);
  std::fclose(file);
}

void list(const microjit::Engine& engine, const microjit::KeptCode* code, const std::string& name) {
  if (!code) return;
  Text text;
  const auto done = code->list(engine.module(), text);
  std::fwrite(text.view().data(), 1, text.view().size(), stderr);
  if (!done) complain(name.c_str(), done.error().message());
}

}  // namespace

void start_inspection(Options& options) {
  if (options.gdb) options.engine.observers.push_back(new microjit::GdbJit);
  if (options.perf_map) {
    auto* const map = new microjit::PerfMap;
    if (map->ok())
      options.engine.observers.push_back(map);
    else
      complain("--perf-map", std::strerror(errno));
  }
  const auto keep = [&](const std::string& which) {
    auto* const code = new microjit::KeptCode(which, sampler);
    options.engine.observers.push_back(code);
    return code;
  };
  if (!options.disassemble.empty()) disassembled = keep(options.disassemble);
  if (options.annotate.empty()) return;
  sampler = new microjit::Sampler(kSamplesPerSecond);
  annotated = keep(options.annotate);
}

void finish_inspection(const microjit::Engine& engine, const Options& options) {
  if (sampler) sampler->stop();
  Text text;
  if (!options.trace.empty()) {
    engine.tier_log().write_trace(engine.module(), platform::clock_ns(), text);
    write_file(options.trace, text);
  }
  text.clear();
  if (!options.tier_log.empty()) {
    engine.tier_log().write_text(engine.module(), text);
    write_file(options.tier_log, text);
  }
  list(engine, disassembled, options.disassemble);
  list(engine, annotated, options.annotate);
}

}  // namespace bf::run
