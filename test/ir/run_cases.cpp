// Runs IR text files: every way through the engine must give what the file says.
//
// Directives are comments in the file:
//
//   ; run @f(i32 5, i64 -1) = i32 7      call f; also: = f64 1.5, = (i32 1, i32 2), no result: =
//   ; traps @f(i32 0)                    (checked by death in a child process)
//   ; error: part of the message         parsing or verifying must fail with a message like this
//
// Each file is parsed, printed, parsed again (the text must be the same), written to an image, read
// back (the same again), and every `run` line is executed by the interpreter, by the baseline tier
// for each instruction set this machine has, and with tiers changing at the second call.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "arch/host/command_line.h"
#include "microjit/ir/image.h"
#include "microjit/ir/text.h"
#include "microjit/ir/verify.h"
#include "microjit/microjit.h"

namespace {

using namespace bf;
using microjit::Engine;
using microjit::EngineOptions;
using microjit::TierPolicy;

int failures = 0;
int checks = 0;

void fail(const std::string& file, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", file.c_str(), what.c_str());
  ++failures;
}

std::string printed(const ir::Module& module) {
  ir::Text text;
  ir::print(module, text);
  return {text.begin(), text.end()};
}

struct Typed {
  ir::Kind kind = ir::Kind::Void;
  u64 bits = 0;
};

bool parse_typed(const std::string& text, Typed& out) {
  std::istringstream words(text);
  std::string type, number;
  words >> type >> number;
  for (u32 k = 1; k < ir::kKindCount; ++k)
    if (type == ir::kKindNames[k]) out.kind = static_cast<ir::Kind>(k);
  if (out.kind == ir::Kind::Void || number.empty()) return false;
  const bool hex = number.starts_with("0x");
  const bool decimal = !hex && (number.find_first_of(".e") != std::string::npos ||
                                number.ends_with("inf") || number == "nan");
  if (decimal && out.kind == ir::Kind::F64) {
    const double d = std::strtod(number.c_str(), nullptr);
    std::memcpy(&out.bits, &d, 8);
  } else if (decimal) {
    const float f = std::strtof(number.c_str(), nullptr);
    std::memcpy(&out.bits, &f, 4);
  } else {
    out.bits = number[0] == '-' ? static_cast<u64>(std::strtoll(number.c_str(), nullptr, 0))
                                : std::strtoull(number.c_str(), nullptr, 0);
  }
  return true;
}

struct Call {
  std::string function;
  std::vector<Typed> arguments;
  std::vector<Typed> results;
  bool traps = false;
  std::string text;
};

std::vector<Typed> parse_list(std::string list) {
  std::vector<Typed> values;
  std::istringstream items(list);
  for (std::string item; std::getline(items, item, ',');) {
    Typed t;
    if (parse_typed(item, t)) values.push_back(t);
  }
  return values;
}

Call parse_call(const std::string& line, bool traps) {
  Call call;
  call.traps = traps;
  call.text = line;
  const usize open = line.find('('), close = line.find(')'), at = line.find('@');
  call.function = line.substr(at + 1, open - at - 1);
  call.arguments = parse_list(line.substr(open + 1, close - open - 1));
  const usize equals = line.find('=', close);
  if (equals != std::string::npos) {
    std::string results = line.substr(equals + 1);
    for (char& c : results)
      if (c == '(' || c == ')') c = ' ';
    call.results = parse_list(results);
  }
  return call;
}

bool is_float(ir::Kind k) { return k == ir::Kind::F32 || k == ir::Kind::F64; }

// The calls of these files need few signatures: up to 6 integers and 8 floats, all in registers, so
// one C type serves them all.
struct Results {
  u64 ints[2];
  double floats[2];
};
Results invoke(const void* address, const std::vector<Typed>& arguments) {
  u64 i[6] = {};
  u64 f[8] = {};
  usize ints = 0, floats = 0;
  for (const Typed& a : arguments) (is_float(a.kind) ? f[floats++] : i[ints++]) = a.bits;
  double x[8];
  std::memcpy(x, f, sizeof x);
  Results r{};
  register double xmm0 asm("xmm0") = x[0];
  register double xmm1 asm("xmm1") = x[1];
  register double xmm2 asm("xmm2") = x[2];
  register double xmm3 asm("xmm3") = x[3];
  register u64 r8 asm("r8") = i[4];
  register u64 r9 asm("r9") = i[5];
  u64 rdi = i[0], rsi = i[1], rdx = i[2], rcx = i[3], rax;
  asm volatile("call *%[target]"
               : "=&a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+c"(rcx), "+r"(r8), "+r"(r9),
                 "+x"(xmm0), "+x"(xmm1), "+x"(xmm2), "+x"(xmm3)
               : [target] "b"(address)
               : "memory", "cc", "r10", "r11", "r12", "r13", "r14", "r15", "xmm4", "xmm5", "xmm6",
                 "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  r.ints[0] = rax;
  r.ints[1] = rdx;
  r.floats[0] = xmm0;
  r.floats[1] = xmm1;
  return r;
}

u64 mask_of(ir::Kind k) {
  const u32 bits = ir::kKindBits[static_cast<u8>(k)];
  return bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
}

bool is_nan(Typed t) {
  return t.kind == ir::Kind::F32 ? (t.bits & 0x7fffffff) > 0x7f800000
                                 : (t.bits & ~(u64{1} << 63)) > (u64{0x7ff} << 52);
}

std::string check_results(const Call& call, const Results& got) {
  usize ints = 0, floats = 0;
  for (const Typed& want : call.results) {
    Typed have{want.kind, 0};
    if (is_float(want.kind)) std::memcpy(&have.bits, &got.floats[floats++], 8);
    else have.bits = got.ints[ints++];
    const u64 mask = mask_of(want.kind);
    have.bits &= mask;
    const bool nan = is_float(want.kind) && is_nan({want.kind, want.bits & mask});
    if (nan ? !is_nan(have) : have.bits != (want.bits & mask)) {
      char text[80];
      std::snprintf(text, sizeof text, "got 0x%llx", static_cast<unsigned long long>(have.bits));
      return text;
    }
  }
  return {};
}

bool dies(const void* address, const Call& call) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    std::fclose(stderr);
    invoke(address, call.arguments);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

struct Way {
  const char* name;
  TierPolicy policy;
  platform::CpuFeatures features;
};

std::vector<Way> ways() {
  const platform::CpuFeatures all = platform::cpu_features();
  platform::CpuFeatures sse2{};
  platform::CpuFeatures avx2 = all;
  avx2.avx512f = avx2.avx512bw = avx2.avx512dq = avx2.avx512vl = avx2.avx512cd = false;
  avx2.avx512vbmi = avx2.avx512vnni = avx2.avx512bf16 = false;
  std::vector<Way> list = {{"interp", TierPolicy::Interp, all},
                           {"interp without profile", TierPolicy::Interp, all},
                           {"baseline sse2", TierPolicy::Baseline, sse2},
                           {"auto", TierPolicy::Auto, all}};
  if (all.avx2) list.push_back({"baseline avx2", TierPolicy::Baseline, avx2});
  if (all.avx512bw) list.push_back({"baseline avx512", TierPolicy::Baseline, all});
  return list;
}

// What cases may import.
u64 import_twice(u64 x) { return 2 * x; }
double import_mix(i32 a, double b, float c, i64 d) { return a * b + static_cast<double>(c) - static_cast<double>(d); }
u64 import_call(u64 (*callback)(u64), u64 x) { return callback(x) + callback(x + 1); }
u64 import_many(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h, double x) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + static_cast<u64>(x);
}

void run_way(const std::string& file, const std::string& text, const Way& way,
             const std::vector<Call>& calls) {
  auto module = ir::parse_text(text);
  EngineOptions options;
  options.policy = way.policy;
  options.features = way.features;
  options.log = false;
  options.heat_budget = microjit::kCallHeat;  // promoted at the second call
  options.profile = std::strstr(way.name, "without") == nullptr;
  options.code_bytes = usize{1} << 20;
  const microjit::NamedAddress imports[] = {
      {"twice", reinterpret_cast<const void*>(import_twice)},
      {"mix", reinterpret_cast<const void*>(import_mix)},
      {"call", reinterpret_cast<const void*>(import_call)},
      {"many", reinterpret_cast<const void*>(import_many)},
  };
  auto engine = Engine::create(std::move(*module), imports, options);
  if (!engine) return fail(file, engine.error().message());
  if (way.policy == TierPolicy::Baseline)
    for (const auto& state : (*engine)->functions())
      if (state->tier != microjit::Tier::Baseline)
        fail(file, std::string(way.name) + ": a function stayed in the interpreter");
  for (const Call& call : calls) {
    const void* address = (*engine)->address(call.function);
    if (!address) return fail(file, "no function " + call.function);
    ++checks;
    if (call.traps) {
      if (!dies(address, call)) fail(file, std::string(way.name) + ": does not trap: " + call.text);
      continue;
    }
    for (int round = 0; round < 3; ++round) {
      const std::string wrong = check_results(call, invoke(address, call.arguments));
      if (!wrong.empty()) {
        fail(file, std::string(way.name) + ": " + call.text + ": " + wrong);
        break;
      }
    }
  }
}

void run_file(const std::string& file) {
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::vector<Call> calls;
  std::string wanted_error;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("; run ")) calls.push_back(parse_call(line, false));
    if (line.starts_with("; traps ")) calls.push_back(parse_call(line, true));
    if (line.starts_with("; error: ")) wanted_error = line.substr(9);
  }
  auto module = ir::parse_text(text);
  if (!wanted_error.empty()) {
    ++checks;
    if (module) fail(file, "was accepted, but should fail with: " + wanted_error);
    else if (std::string(module.error().message()).find(wanted_error) == std::string::npos)
      fail(file, std::string("failed with another error: ") + module.error().message());
    return;
  }
  if (!module) return fail(file, module.error().message());
  if (calls.empty()) return fail(file, "has no run, traps or error line: it tests nothing");
  // Parsing numbers the values as they come and printing shows the numbers, so the first printing
  // may differ from the file; from then on nothing may change.
  const std::string first = printed(*module);
  auto again = ir::parse_text(first);
  if (!again) return fail(file, std::string("printed text does not parse: ") + again.error().message());
  const std::string second = printed(*again);
  const auto image = ir::write_image(*again);
  auto loaded = ir::read_image(image);
  if (!loaded) return fail(file, std::string("image: ") + loaded.error().message());
  if (ir::write_image(*loaded) != image) fail(file, "the image does not round-trip");
  auto third = ir::parse_text(printed(*loaded));
  if (!third) return fail(file, std::string("text of the image: ") + third.error().message());
  if (ir::write_image(*third) != image) fail(file, "text and image disagree");
  ++checks;
  for (const Way& way : ways()) run_way(file, text, way, calls);
  for (const Way& way : ways()) run_way(file, printed(*loaded), way, calls);
}

}  // namespace

int main(int argc, char** argv) {
  const char* const no_arguments[] = {"run_cases"};
  bf::host::start(1, no_arguments);
  for (int i = 1; i < argc; ++i) run_file(argv[i]);
  std::printf("%d checks in %d files, %d failures\n", checks, argc - 1, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}
