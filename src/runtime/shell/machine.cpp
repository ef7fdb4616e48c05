#include "runtime/shell/machine.h"

#include <algorithm>

#include "runtime/calendar.h"
#include "runtime/counters.h"
#include "runtime/cpu_features.h"
#include "runtime/heap.h"

namespace bf::shell {

namespace {

using ull = unsigned long long;

Machine machine;

// ---- /mem ---------------------------------------------------------------------------------------

// Of a number of bytes as much as is there.
class Rest {
 public:
  explicit Rest(u64 bytes) : bytes_(bytes) {}
  u64 take(u64 bytes) {
    const u64 taken = std::min(bytes, bytes_);
    bytes_ -= taken;
    return taken;
  }
  u64 bytes() const { return bytes_; }

 private:
  u64 bytes_;
};

// "       2,097,152      2.0 MiB  what"
void write_part(Text& out, u64 bytes, const char* what) {
  constexpr int kColumn = 18;
  Text number;
  number.append_grouped(bytes);
  out.format("%*.*s %7llu.%llu MiB  %s\n", kColumn, static_cast<int>(number.view().size()), number.view().data(),
             static_cast<ull>(bytes >> 20), static_cast<ull>((bytes & 0xfffff) * 10 >> 20), what);
}

Answer memory_word(Call& call) {
  heap::trim();  // free is what could be had
  const Memory memory = machine.memory();
  u64 sum = 0;
  for (const MemoryPart& part : account(memory, call.about)) {
    sum += part.bytes;
    if (part.bytes != 0) write_part(call.out, part.bytes, part.what);
  }
  call.out.append("  ------------------------------\n");
  write_part(call.out, sum, memory.whole);
  for (const MemoryPart& note : memory.notes) write_part(call.out, note.bytes, note.what);
  if (memory.has_page_sizes)
    call.out.format("mapped in %llu pages of 4 KiB, %llu of 2 MiB, %llu of 1 GiB\n",
                    static_cast<ull>(memory.page_counts[0]), static_cast<ull>(memory.page_counts[1]),
                    static_cast<ull>(memory.page_counts[2]));
  return kDone;
}

// ---- /cpu ---------------------------------------------------------------------------------------

// Words after a title, in lines of 80 columns.
class WordList {
 public:
  WordList(Text& out, const char* title) : out_(out) {
    out.format("%-*s", kIndent, title);
    column_ = kIndent;
  }
  void add(const char* word) {
    const std::string_view text(word);
    if (!empty_ && column_ + 1 + text.size() > kColumns) {
      out_.format("\n%*s", kIndent, "");
      column_ = kIndent;
    } else if (!empty_) {
      out_.append(" ");
      ++column_;
    }
    out_.append(text);
    column_ += text.size();
    empty_ = false;
  }
  void end(const char* none) {
    if (empty_) add(none);
    out_.append("\n");
  }

 private:
  static constexpr int kIndent = 10;
  static constexpr usize kColumns = 79;
  Text& out_;
  usize column_;
  bool empty_ = true;
};

struct Feature {
  const char* text;
  bool used, there;
};

void write_features(Text& out) {
  const auto& used = platform::cpu_features();
  const CpuidLeaves leaves = read_cpuid();
  const auto all = decode_cpu_features(leaves, leaves.has_xgetbv() ? read_xcr0() : 0);
  const Feature features[] = {
#define BF_CPU_FEATURE(name, text) {text, used.name, all.name},
#include "runtime/cpu_features.def"
#undef BF_CPU_FEATURE
  };
  WordList in_use(out, "uses");
  in_use.add("sse2");
  for (const Feature& f : features)
    if (f.used) in_use.add(f.text);
  in_use.end("");
  WordList capped(out, "capped");
  for (const Feature& f : features)
    if (f.there && !f.used) capped.add(f.text);
  capped.end("nothing: all that is there and known is used");
}

void write_counted(Text& out) {
  WordList counted(out, "counters");
  for (u32 i = 0; i < counters::kEvents; ++i) {
    const auto event = static_cast<counters::Event>(i);
    if (counters::is_counted(event)) counted.add(counters::name(event));
  }
  counted.end("none that can be read here");
}

void write_time(Text& out) {
  const u64 now = platform::wall_clock();
  const DateAndTime d = date_of(now);
  if (now == 0) out.append("date      unknown\n");
  else
    out.format("date      %04u-%02u-%02u %02u:%02u:%02u UTC\n", d.year, d.month, d.day, d.hour, d.minute, d.second);
  const u64 up = platform::clock_ns() / 1'000'000'000;
  out.format("up        %llu d %02llu:%02llu:%02llu\n", static_cast<ull>(up / 86'400),
             static_cast<ull>(up / 3600 % 24), static_cast<ull>(up / 60 % 60), static_cast<ull>(up % 60));
}

Answer processor_word(Call& call) {
  const u64 megahertz = (platform::ticks_per_second() + 500'000) / 1'000'000;
  write_features(call.out);
  call.out.format("clock     %llu MHz time stamp counter, %s\n", static_cast<ull>(megahertz),
                  platform::cpu_features().invariant_tsc ? "invariant" : "not known to be invariant");
  machine.processor(call.out);
  write_counted(call.out);
  write_time(call.out);
  return kDone;
}

// ---- /save --------------------------------------------------------------------------------------

Answer save_word(Call& call) {
  const std::string_view text(call.about.conversation, call.about.conversation_bytes);
  if (text.empty()) {
    call.out.append("Nothing has been said yet.\n");
    return kDone;
  }
  const Text standard = default_file_name(platform::wall_clock());
  auto place = machine.keep(call.arguments.empty() ? standard.view() : call.arguments, text);
  if (place) {
    call.out.append_grouped(text.size());
    call.out.append(" bytes kept as ");
    call.out.append(place->view());
    call.out.append("\n");
  } else {
    call.out.format("Not kept: %s\n", place.error().message());
  }
  return kDone;
}

}  // namespace

std::vector<MemoryPart> account(const Memory& memory, const BfAbout& about) {
  std::vector<MemoryPart> parts = memory.parts;
  const auto heap = heap::statistics();
  Rest pages(memory.pages), modules(memory.modules);
  Rest& model = memory.model_in_pages ? pages : modules;
  parts.push_back({"the model's weights", model.take(align_up<u64>(about.weights_bytes, platform::kPageBytes))});
  parts.push_back({memory.other_modules, modules.bytes()});
  Rest of_heap(pages.take(heap.page_bytes));
  Rest in_use(of_heap.take(heap.live_bytes));
  parts.push_back({"keys and values of the context", in_use.take(about.cache_bytes)});
  parts.push_back({"activations", in_use.take(about.working_bytes)});
  parts.push_back({"other blocks of the heap", in_use.bytes()});
  parts.push_back({"free or lost in the heap's blocks", of_heap.bytes()});
  parts.push_back({memory.other_pages, pages.bytes()});
  return parts;
}

Text default_file_name(u64 seconds) {
  Text name;
  const DateAndTime d = date_of(seconds);
  if (seconds == 0) name.append("conversation.txt");
  else
    name.format("%04u-%02u-%02u-%02u%02u%02u.txt", d.year, d.month, d.day, d.hour, d.minute, d.second);
  return name;
}

void provide_common(const Machine& of_platform) {
  machine = of_platform;
  provide(Word::Memory, machine.memory != nullptr ? memory_word : nullptr);
  provide(Word::Processor, machine.processor != nullptr ? processor_word : nullptr);
  provide(Word::Save, machine.keep != nullptr ? save_word : nullptr);
}

}  // namespace bf::shell
