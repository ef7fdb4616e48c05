#include "arch/x86/gdb/target_description.h"

#include <algorithm>
#include <cstring>

#include "arch/x86/gdb/target.h"

namespace bf::x86::gdb {

namespace {

constexpr const char* kFeatureNames[] = {"core", "sse", "segments", "avx"};

constexpr std::string_view kHead =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
    "<target><architecture>i386:x86-64</architecture>";
constexpr std::string_view kTail = "</target>";

// Types that only registers have.
constexpr struct {
  const char* name;
  u32 bit;
} kFlags[] = {{"CF", 0},  {"PF", 2},  {"AF", 4},  {"ZF", 6},  {"SF", 7},  {"TF", 8},  {"IF", 9},
              {"DF", 10}, {"OF", 11}, {"NT", 14}, {"RF", 16}, {"VM", 17}, {"AC", 18}, {"ID", 21}};
constexpr struct {
  const char* name;
  const char* type;
  u32 count;
} kLanes[] = {{"v4_float", "ieee_single", 4}, {"v2_double", "ieee_double", 2}, {"v16_int8", "int8", 16},
              {"v8_int16", "int16", 8},       {"v4_int32", "int32", 4},        {"v2_int64", "int64", 2}};

// What lies in the window is kept, of a text that is made piece by piece.
class Window {
 public:
  Window(u64 offset, char* to, usize bytes) : skip_(offset), to_(to), room_(bytes) {}
  void append(std::string_view text) {
    const usize skipped = std::min<u64>(skip_, text.size());
    skip_ -= skipped;
    text.remove_prefix(skipped);
    const usize taken = std::min(room_, text.size());
    std::memcpy(to_ + used_, text.data(), taken);
    used_ += taken;
    room_ -= taken;
  }
  template <class... Values>
  void format(const char* pattern, Values... values) {
    char line[160];
    const int length = std::snprintf(line, sizeof line, pattern, values...);
    append({line, static_cast<usize>(length)});
  }
  usize used() const { return used_; }

 private:
  u64 skip_;
  char* to_;
  usize room_, used_ = 0;
};

void append_types(Window& w, Feature feature) {
  if (feature == Feature::Core) {
    w.append("<flags id=\"flags\" size=\"4\">");
    for (const auto& f : kFlags)
      w.format("<field name=\"%s\" start=\"%u\" end=\"%u\"/>", f.name, f.bit, f.bit);
    w.append("</flags>");
  }
  if (feature == Feature::Sse) {
    for (const auto& lane : kLanes)
      w.format("<vector id=\"%s\" type=\"%s\" count=\"%u\"/>", lane.name, lane.type, lane.count);
    w.append("<union id=\"vec128\">");
    for (const auto& lane : kLanes) w.format("<field name=\"%s\" type=\"%s\"/>", lane.name, lane.name);
    w.append("<field name=\"uint128\" type=\"uint128\"/></union>");
  }
}

void append_feature(Window& w, Feature feature) {
  w.format("<feature name=\"org.gnu.gdb.i386.%s\">", kFeatureNames[static_cast<u32>(feature)]);
  append_types(w, feature);
  for (u32 i = 0; i < kRegisterCount; ++i)
    if (kRegisters[i].feature == feature)
      w.format("<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"/>", kRegisters[i].name,
               8 * kRegisters[i].bytes, kRegisters[i].type, i);
  w.append("</feature>");
}

}  // namespace

usize read_target_description(bool with_avx, u64 offset, char* to, usize bytes) {
  Window w(offset, to, bytes);
  w.append(kHead);
  for (const Feature f : {Feature::Core, Feature::Sse, Feature::Segments}) append_feature(w, f);
  if (with_avx) append_feature(w, Feature::Avx);
  w.append(kTail);
  return w.used();
}

}  // namespace bf::x86::gdb
