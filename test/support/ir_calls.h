// Calls of IR functions that a text file asks for in its comments, for tests that read such files:
//
//   ; run @f(i32 5, i64 -1) = i32 7      call f; also: = f64 1.5, = (i32 1, i32 2), no result: =
//   ; traps @f(i32 0)                    (checked by death in a child process)
#pragma once

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "microjit/ir/module.h"
#include "microjit/microjit.h"

namespace bf::test {

struct Typed {
  ir::Kind kind = ir::Kind::Void;
  u64 bits = 0;
};

inline bool parse_typed(const std::string& text, Typed& out) {
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

inline std::vector<Typed> parse_list(std::string list) {
  std::vector<Typed> values;
  std::istringstream items(list);
  for (std::string item; std::getline(items, item, ',');) {
    Typed t;
    if (parse_typed(item, t)) values.push_back(t);
  }
  return values;
}

inline Call parse_call(const std::string& line, bool traps) {
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

inline bool is_float(ir::Kind k) { return k == ir::Kind::F32 || k == ir::Kind::F64; }

// The calls of these files need few signatures: up to 6 integers and 8 floats, all in registers, so
// one C type serves them all.
struct Results {
  u64 ints[2];
  double floats[2];
};
inline Results invoke(const void* address, const std::vector<Typed>& arguments) {
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

inline u64 mask_of(ir::Kind k) {
  const u32 bits = ir::kKindBits[static_cast<u8>(k)];
  return bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
}

inline bool is_nan(Typed t) {
  return t.kind == ir::Kind::F32 ? (t.bits & 0x7fffffff) > 0x7f800000
                                 : (t.bits & ~(u64{1} << 63)) > (u64{0x7ff} << 52);
}

inline std::string check_results(const Call& call, const Results& got) {
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

inline bool dies(const void* address, const Call& call) {
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

// What cases may import.
inline u64 import_twice(u64 x) { return 2 * x; }
inline double import_mix(i32 a, double b, float c, i64 d) { return a * b + static_cast<double>(c) - static_cast<double>(d); }
inline u64 import_call(u64 (*callback)(u64), u64 x) { return callback(x) + callback(x + 1); }
inline u64 import_many(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h, double x) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + static_cast<u64>(x);
}
// `count` numbers: integers and doubles by turns.
inline u64 import_sum(u64 count, ...) {
  va_list list;
  va_start(list, count);
  u64 sum = 0;
  for (u64 i = 0; i < count; ++i)
    sum += i % 2 ? static_cast<u64>(va_arg(list, double)) : va_arg(list, u64);
  va_end(list);
  return sum;
}
struct Three {
  u64 x, y, z;
};
inline u64 import_take_three(Three t, u64 n) { return t.x * n + t.y + t.z; }
inline u64 import_call_three(u64 (*callback)(Three, u64), u64 n) {
  return callback({10, 50, 0}, n);
}
inline u64 import_variable = 42;

inline const microjit::NamedAddress kImports[] = {
    {"twice", reinterpret_cast<const void*>(import_twice)},
    {"mix", reinterpret_cast<const void*>(import_mix)},
    {"call", reinterpret_cast<const void*>(import_call)},
    {"many", reinterpret_cast<const void*>(import_many)},
    {"sum", reinterpret_cast<const void*>(import_sum)},
    {"take_three", reinterpret_cast<const void*>(import_take_three)},
    {"call_three", reinterpret_cast<const void*>(import_call_three)},
    {"variable", &import_variable},
    {"sqrt", reinterpret_cast<const void*>(static_cast<double (*)(double)>(std::sqrt))},
    {"floor", reinterpret_cast<const void*>(static_cast<double (*)(double)>(std::floor))},
    {"fabs", reinterpret_cast<const void*>(static_cast<double (*)(double)>(std::fabs))},
    {"abs", reinterpret_cast<const void*>(static_cast<int (*)(int)>(std::abs))},
    {"memcpy", reinterpret_cast<const void*>(std::memcpy)},
    {"memset", reinterpret_cast<const void*>(std::memset)},
    {"memcmp", reinterpret_cast<const void*>(std::memcmp)},
};

}  // namespace bf::test
