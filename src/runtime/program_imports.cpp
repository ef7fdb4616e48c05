#include "runtime/program_imports.h"

#include <cstdio>

#include "runtime/heap.h"
#include "runtime/platform.h"
#include "runtime/side_log.h"
#include "runtime/status_line.h"
#include "runtime/program_abi.h"
#include "runtime/progress.h"
#include "runtime/shell/models.h"
#include "runtime/shell/shell.h"
#include "runtime/workers.h"

namespace bf {

namespace {

constexpr usize kAllocationAlignment = 64;  // a cache line, and the widest vector

StatsText make_stats_text = nullptr;
u32 (*console_columns)() = nullptr;

// A decimal number; good until the next.
std::string_view columns_text() {
  static char text[12];
  const u32 columns = console_columns == nullptr ? 0 : console_columns();
  if (columns == 0) return {};
  return {text, static_cast<usize>(std::snprintf(text, sizeof text, "%u", columns))};
}

std::string_view stats_text() {
  return make_stats_text == nullptr ? std::string_view{} : make_stats_text();
}

// Blobs that are made when they are asked for.
struct MadeText {
  std::string_view name;
  std::string_view (*make)();
};
constexpr MadeText kMadeTexts[] = {{"stats", stats_text}, {"columns", columns_text}};

#define BF_IMPORT(name) \
  { #name, reinterpret_cast < const void*>(&name) }
const ProgramImport kImports[] = {
    BF_IMPORT(bf_alloc),    BF_IMPORT(bf_free),        BF_IMPORT(bf_write),      BF_IMPORT(bf_listens),
    BF_IMPORT(bf_read),     BF_IMPORT(bf_read_ready),  BF_IMPORT(bf_blob),
    BF_IMPORT(bf_take_blob), BF_IMPORT(bf_clock_ns),   BF_IMPORT(bf_random_seed),
    BF_IMPORT(bf_parallel_for), BF_IMPORT(bf_core_count), BF_IMPORT(bf_core_index),
    BF_IMPORT(bf_command), BF_IMPORT(bf_abort),
};
#undef BF_IMPORT

platform::Stream stream_of(i32 stream) {
  if (stream == BF_STREAM_TEXT) return platform::Stream::Text;
  return stream == BF_STREAM_LOGITS ? platform::Stream::Logits : platform::Stream::Log;
}

}  // namespace

std::span<const ProgramImport> program_imports() {
  return kImports;
}

void set_stats_text(StatsText make) {
  make_stats_text = make;
}

void set_console_columns(u32 (*columns)()) {
  console_columns = columns;
}

}  // namespace bf

using namespace bf;

void* bf_alloc(uint64_t bytes) {
  note_progress();
  return heap::allocate_zeroed(bytes, kAllocationAlignment);
}

void bf_free(void* memory) {
  if (!shell::give_back_model(memory)) heap::release(memory);
}

void bf_write(int32_t stream, const void* bytes, uint64_t count) {
  note_progress();
  const std::string_view text{static_cast<const char*>(bytes), count};
  if (stream == BF_STREAM_STATUS) return status_line::update(text);
  const auto target = stream_of(stream);
  platform::write(target, text);
  if (target == platform::Stream::Text) side_log::text_written(text);
}

int32_t bf_listens(int32_t stream) {
  if (stream == BF_STREAM_STATUS) return status_line::is_shown() ? 1 : 0;
  return platform::has_stream(stream_of(stream)) ? 1 : 0;
}

uint64_t bf_read(void* buffer, uint64_t capacity) {
  note_progress();
  return platform::read(buffer, capacity);
}

int32_t bf_read_ready() {
  return platform::read_ready() ? 1 : 0;
}

const void* bf_blob(const char* name, uint64_t name_bytes, uint64_t* bytes) {
  const std::string_view wanted(name, name_bytes);
  for (const MadeText& made : kMadeTexts) {
    if (wanted != made.name) continue;
    const std::string_view text = made.make();
    *bytes = text.size();
    return text.empty() ? nullptr : text.data();
  }
  const auto blob = platform::blob(wanted);
  *bytes = blob.size();
  return blob.data();
}

void* bf_take_blob(const char* name, uint64_t name_bytes, uint64_t* bytes) {
  const std::string_view wanted(name, name_bytes);
  *bytes = 0;
  // The runtime itself reads the options, at any time.
  if (wanted == "options" || wanted == "stats") return nullptr;
  if (wanted == "model") shell::bring_model();
  usize count = 0;
  u8* const memory = platform::take_blob(wanted, count);
  *bytes = count;
  if (wanted == "model") shell::model_taken(memory, count);
  return memory;
}

uint64_t bf_clock_ns() {
  note_progress();
  return platform::clock_ns();
}

uint64_t bf_random_seed() {
  return platform::random_seed();
}

void bf_parallel_for(uint64_t begin, uint64_t end, uint64_t grain, BfParallelBody body,
                     void* context) {
  note_progress();
  workers::parallel_for(begin, end, grain, body, context);
}

uint32_t bf_core_count() {
  return platform::core_count();
}

uint32_t bf_core_index() {
  return platform::core_index();
}

int32_t bf_command(const char* line, uint64_t line_bytes, const BfAbout* about) {
  note_progress();
  constexpr BfAbout kNothing = {};
  return shell::obey({line, line_bytes}, about == nullptr ? kNothing : *about);
}

void bf_abort(const char* message, uint64_t message_bytes) {
  platform::write(platform::Stream::Log, "\nprogram: ");
  platform::write(platform::Stream::Log, {message, message_bytes});
  platform::write(platform::Stream::Log, "\n");
  BF_UNREACHABLE("the program gave up");
}
