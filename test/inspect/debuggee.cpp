// A program for gdb_test.py: compiled functions that call each other, and at last a C function.
#include <cstdio>
#include <string>

#include "microjit/inspect/gdb_jit.h"
#include "microjit/inspect/perf_map.h"
#include "microjit/ir/text.h"
#include "microjit/microjit.h"

namespace {

using namespace bf;
using namespace bf::microjit;

constexpr const char* kProgram = R"(
import @stop_here (i64) -> (i64)
file 1 "program.c"
func @jit_inner (i64) -> (i64) {
b0(%x: i64):
  %y: i64 = add %x, i64 1 !1:10
  %z: i64 = call_import @stop_here(%y) !1:11
  ret %z !1:12
}
func @jit_outer (i64) -> (i64) {
b0(%x: i64):
  %y: i64 = call @jit_inner(%x) !1:20
  %z: i64 = mul %y, i64 2 !1:21
  ret %z !1:21
}
)";

}  // namespace

extern "C" [[gnu::noinline]] bf::u64 stop_here(bf::u64 x) {
  asm volatile("");
  return x;
}

int main() {
  GdbJit gdb;
  PerfMap map;
  EngineOptions options;
  options.policy = TierPolicy::Baseline;
  options.log = false;
  options.observers = {&gdb, &map};
  const NamedAddress imports[] = {{"stop_here", reinterpret_cast<const void*>(stop_here)}};
  auto module = ir::parse_text(kProgram);
  if (!module) return std::puts(module.error().message()), 2;
  auto engine = Engine::create(std::move(*module), imports, options);
  if (!engine) return std::puts(engine.error().message()), 2;
  return (*engine)->function<u64(u64)>("jit_outer")(20) == 42 ? 0 : 1;
}
