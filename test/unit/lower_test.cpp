// The lowering: names, annotations, the shape of the IR, and what its errors say. That lowered
// programs do what they should is tested by running them (test/diff/lowered_programs_test.cpp).
#include "microjit/lower/lower.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "microjit/ir/text.h"

using namespace bf;
using lower::Lowered;

namespace {

std::string text_of(const Lowered& lowered) {
  ir::Text text;
  ir::print(lowered.module, text);
  return {text.begin(), text.end()};
}

const ir::Function& function(const Lowered& lowered, std::string_view name) {
  const i64 index = lowered.module.find_function(name);
  REQUIRE(index >= 0);
  return lowered.module.functions[static_cast<usize>(index)];
}

Lowered lower_well(std::string_view assembly) {
  Lowered result = lower::lower_assembly(assembly);
  for (const std::string& error : result.errors) UNSCOPED_INFO(error);
  REQUIRE(result.errors.empty());
  return result;
}

// The operations of a function, in order, with a space after each.
std::string operations(const ir::Function& f) {
  std::string words;
  for (const ir::Instruction& i : f.instructions) words += std::string(ir::op_name(i.op)) + " ";
  return words;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A function whose fourth instruction, at line 42 of some.cpp, is to be an error.
std::string at_line_42(const std::string& types, const std::string& instruction) {
  return types + R"(
define void @broken() !dbg !4 {
  )" + instruction +
         R"(, !dbg !5
  ret void
}
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C_plus_plus, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "some.cpp", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !DISubroutineType(types: !6)
!4 = distinct !DISubprogram(name: "broken", file: !1, line: 40, type: !3, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DILocation(line: 42, scope: !4)
!6 = !{}
)";
}

}  // namespace

// ---- Errors ------------------------------------------------------------------------------------

TEST_CASE("an error names the function, the instruction and the line") {
  struct {
    const char *declarations, *instruction, *why;
  } const kCases[] = {
      {"@x = global i80 0", "%a = load volatile ppc_fp128, ptr @x", "ppc_fp128"},
      {"declare i32 @printf(ptr, ...)",
       "%a = call i32 (ptr, ...) @printf(ptr null, <4 x i64> zeroinitializer)", "variadic"},
      {"", "%a = fadd fp128 zeroinitializer, zeroinitializer", "fp128"},
      {"", "%a = fptosi float 1.0 to i256", "128 bits"},
      {"", "%a = fptosi x86_fp80 zeroinitializer to i128", "64 bits"},
      {"", "call void asm sideeffect \"hlt\", \"\"()", "inline assembly"},
      {"declare i32 @_setjmp(ptr) returns_twice", "%a = call i32 @_setjmp(ptr null)", "setjmp"},
      {"declare <2 x i64> @llvm.x86.aesni.aesimc(<2 x i64>)",
       "%a = call <2 x i64> @llvm.x86.aesni.aesimc(<2 x i64> zeroinitializer)", "intrinsic"},
      {"", "%a = alloca [70000000 x i8]", "stack memory"},
  };
  for (const auto& c : kCases) {
    INFO(c.instruction);
    const Lowered result = lower::lower_assembly(at_line_42(c.declarations, c.instruction));
    REQUIRE(!result.errors.empty());
    const std::string& error = result.errors.back();
    INFO(error);
    CHECK(contains(error, c.why));
    CHECK(contains(error, "some.cpp:42: function broken: "));
    // The instruction itself: its last line here, up to the first operand.
    const std::string instruction = c.instruction;
    const std::string last = instruction.substr(instruction.rfind('\n') + 1);
    CHECK(contains(error, last.substr(last.find("  ") == 0 ? 2 : 0, 12)));
  }
}

TEST_CASE("several errors are reported, but no more than ten") {
  std::string text = "@x = global i32 0\ndefine void @f() {\n";
  for (int i = 0; i < 30; ++i) text += "  call void asm sideeffect \"hlt\", \"\"()\n";
  CHECK(lower::lower_assembly(text + "  ret void\n}\n").errors.size() == lower::kMaxErrors);
  const Lowered two = lower::lower_assembly(
      "define void @f() {\n  call void asm \"hlt\", \"\"()\n  ret void\n}\n"
      "define void @g() {\n  call void asm \"hlt\", \"\"()\n  ret void\n}\n");
  REQUIRE(two.errors.size() == 2);
  CHECK(contains(two.errors[0], "function f"));
  CHECK(contains(two.errors[1], "function g"));
}

TEST_CASE("a module that cannot be lowered as a whole says why") {
  const auto first_error = [](std::string_view text) {
    const Lowered result = lower::lower_assembly(text);
    return result.errors.empty() ? std::string() : result.errors[0];
  };
  CHECK(contains(first_error("define void @f( {"), "line 1"));
  CHECK(contains(first_error("target triple = \"aarch64-linux-gnu\""), "x86_64"));
  CHECK(contains(first_error("@x = external thread_local global i32\n"
                             "define ptr @f() {\n  ret ptr @x\n}"),
                 "defined nowhere"));
  CHECK(contains(first_error("@x = ifunc i32 (), ptr @f\ndefine ptr @f() {\n  ret ptr null\n}\n"
                             "define i32 @g() {\n  %a = call i32 @x()\n  ret i32 %a\n}"),
                 "indirect function"));
  CHECK(contains(first_error("declare void @f(ptr inalloca(i64))\ndefine void @g(ptr inalloca(i64) %p) {\n"
                             "  call void @f(ptr inalloca(i64) %p)\n  ret void\n}"),
                 "way to pass"));
  CHECK(contains(lower::lower_files({"no-such-file.bc"}).errors.at(0), "no-such-file.bc"));
}

// ---- Names and annotations ---------------------------------------------------------------------

TEST_CASE("C++ functions get readable, unique names") {
  const Lowered result = lower_well(R"(
    define void @_ZN2bf9Tokenizer6encodeEi(i32 %x) { ret void }
    define void @_ZN2bf9Tokenizer6encodeEl(i64 %x) { ret void }
    define void @plain() { ret void }
    define internal void @_ZN12_GLOBAL__N_14helpEv() { ret void }
    define internal void @unused() { ret void }
    define ptr @user() { ret ptr @_ZN12_GLOBAL__N_14helpEv }
  )");
  CHECK(function(result, "bf::Tokenizer::encode").exported);
  CHECK(function(result, "bf::Tokenizer::encode.2").exported);
  CHECK(function(result, "plain").exported);
  CHECK_FALSE(function(result, "(anonymous namespace)::help").exported);
  CHECK(result.module.find_function("unused") < 0);
}

TEST_CASE("annotations set flags") {
  const Lowered result = lower_well(R"ir(
    @k = private constant [10 x i8] c"bf.kernel\00", section "llvm.metadata"
    @r = private constant [11 x i8] c"bf.reassoc\00", section "llvm.metadata"
    @z = private constant [20 x i8] c"bf.specialise(0, 2)\00", section "llvm.metadata"
    @llvm.global.annotations = appending global [3 x { ptr, ptr, ptr, i32, ptr }] [
      { ptr, ptr, ptr, i32, ptr } { ptr @a, ptr @k, ptr @k, i32 1, ptr null },
      { ptr, ptr, ptr, i32, ptr } { ptr @a, ptr @z, ptr @k, i32 1, ptr null },
      { ptr, ptr, ptr, i32, ptr } { ptr @b, ptr @r, ptr @k, i32 1, ptr null }], section "llvm.metadata"
    define void @a(i32 %x, i32 %y, i32 %z) { ret void }
    define void @b() { ret void }
    define void @c() cold { ret void }
  )ir");
  CHECK(function(result, "a").flags == ir::kKernel);
  CHECK(function(result, "a").specialise == 0b101);
  CHECK(function(result, "b").flags == ir::kReassoc);
  CHECK(function(result, "c").flags == ir::kCold);
}

TEST_CASE("declared functions become imports, with the C types") {
  const Lowered result = lower_well(R"(
    declare signext i8 @narrow(i8 zeroext, i16 signext, float, double, ptr, i64)
    declare { i64, double } @two()
    define i32 @f(i8 %x, i16 %y) {
      %a = call signext i8 @narrow(i8 zeroext %x, i16 signext %y, float 1.0, double 2.0, ptr null, i64 3)
      %b = call { i64, double } @two()
      %c = extractvalue { i64, double } %b, 0
      %d = trunc i64 %c to i32
      ret i32 %d
    }
  )");
  const std::string text = text_of(result);
  CHECK(contains(text, "import @narrow (i32, i32, f32, f64, ptr, i64) -> (i32)"));
  CHECK(contains(text, "import @two () -> (i64, f64)"));
  CHECK(contains(operations(function(result, "f")), "zext"));
  CHECK(contains(operations(function(result, "f")), "sext"));
}

TEST_CASE("data has bytes, relocations and what is left out as zero") {
  const Lowered result = lower_well(R"(
    @text = private constant [6 x i8] c"hello\00"
    @table = constant [3 x ptr] [ptr getelementptr (i8, ptr @text, i64 2), ptr null, ptr @f]
    @zeros = global [4096 x i8] zeroinitializer, align 64
    @mixed = constant <{ i8, i32, float }> <{ i8 1, i32 -2, float 1.0 }>
    define ptr @f() { ret ptr @table }
  )");
  const ir::Module& m = result.module;
  const auto data = [&](std::string_view name) -> const ir::Data& {
    const auto found = std::find_if(m.data.begin(), m.data.end(),
                                    [&](const ir::Data& d) { return m.string(d.name) == name; });
    REQUIRE(found != m.data.end());
    return *found;
  };
  CHECK(data("text").size == 6);
  CHECK(data("text").bytes == std::vector<u8>{'h', 'e', 'l', 'l', 'o'});
  CHECK_FALSE(data("text").writable);
  CHECK(data("zeros").bytes.empty());
  CHECK(data("zeros").size == 4096);
  CHECK(data("zeros").align_log2 == 6);
  CHECK(data("zeros").writable);
  CHECK(data("mixed").bytes == std::vector<u8>{1, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0x80, 0x3f});
  REQUIRE(data("table").relocations.size() == 2);
  CHECK(data("table").relocations[0].addend == 2);
  CHECK(data("table").relocations[0].target == ir::Target::Data);
  CHECK(data("table").relocations[1].offset == 16);
  CHECK(data("table").relocations[1].target == ir::Target::Function);
}

// ---- The shape of the IR -----------------------------------------------------------------------

TEST_CASE("constant offsets go into loads and stores, scaled indices into one operation") {
  const Lowered result = lower_well(R"(
    target datalayout = "e-i64:64"
    %S = type { i32, [8 x i64], i16 }
    define i64 @f(ptr %p, i64 %i) {
      %a = getelementptr %S, ptr %p, i64 0, i32 1, i64 3
      %b = load i64, ptr %a
      %c = getelementptr %S, ptr %p, i64 %i, i32 2
      store i16 7, ptr %c
      ret i64 %b
    })");
  const ir::Function& f = function(result, "f");
  CHECK(operations(f) == "load index store ret ");
  CHECK(f.instructions[0].imm == 32);
  CHECK(f.instructions[1].aux == 80);
  CHECK(f.instructions[1].imm == 72);
}

TEST_CASE("or of a constant whose bits are clear is a sum, unless the width is odd") {
  const Lowered lowered = lower_well(R"(
define i64 @sum(i64 %x) {
  %a = or disjoint i64 %x, 1
  ret i64 %a
}
define i32 @narrow_sum(i32 %x) {
  %a = or disjoint i32 %x, 1
  ret i32 %a
}
define i64 @bits(i64 %x) {
  %a = or i64 %x, 1
  ret i64 %a
}
define i64 @two(i64 %x, i64 %y) {
  %a = or disjoint i64 %x, %y
  ret i64 %a
}
define i37 @odd(i37 %x) {
  %a = or disjoint i37 %x, 1
  ret i37 %a
}
)");
  CHECK(operations(function(lowered, "sum")) == "add ret ");
  CHECK(operations(function(lowered, "narrow_sum")) == "add ret ");
  CHECK(operations(function(lowered, "bits")) == "or ret ");
  CHECK(operations(function(lowered, "two")) == "or ret ");
  CHECK(operations(function(lowered, "odd")) == "and or ret ");  // only the parameter is cut
}

TEST_CASE("a comparison stands next to the branch that tests it") {
  const Lowered result = lower_well(R"(
    define i64 @f(i64 %a, i64 %b) {
      %c = icmp ult i64 %a, %b
      %d = mul i64 %a, %b
      br i1 %c, label %x, label %y
    x:
      ret i64 %d
    y:
      ret i64 0
    })");
  CHECK(operations(function(result, "f")) == "mul ult br_if ret ret ");
}

TEST_CASE("dead values and dead block arguments are left out") {
  const Lowered result = lower_well(R"(
    define i64 @f(i64 %n) {
    entry:
      %dead = mul i64 %n, 3
      br label %loop
    loop:
      %i = phi i64 [ 0, %entry ], [ %next, %loop ]
      %unused = phi i64 [ %dead, %entry ], [ %more, %loop ]
      %more = add i64 %unused, 1
      %next = add i64 %i, 1
      %c = icmp eq i64 %next, %n
      br i1 %c, label %out, label %loop
    out:
      ret i64 %i
    })");
  const ir::Function& f = function(result, "f");
  CHECK(operations(f) == "br add eq br_if ret ");
  CHECK(f.blocks[1].argument_count == 1);
}

TEST_CASE("a loop's blocks stay together") {
  // The exit in the middle of the loop comes after all of it.
  const Lowered result = lower_well(R"(
    define i64 @f(i64 %n) {
    entry:
      br label %head
    head:
      %i = phi i64 [ 0, %entry ], [ %next, %latch ]
      %a = icmp eq i64 %i, %n
      br i1 %a, label %left, label %right
    left:
      br label %latch
    right:
      %b = icmp ugt i64 %i, 100
      br i1 %b, label %out, label %latch
    latch:
      %step = phi i64 [ 1, %left ], [ 2, %right ]
      %next = add i64 %i, %step
      br label %head
    out:
      ret i64 %i
    })");
  const ir::Function& f = function(result, "f");
  CHECK(f.instructions.back().op == ir::Op::ret);
  CHECK(f.instructions[f.instructions.size() - 2].op == ir::Op::br);
}

TEST_CASE("vectors: splats, masks as wide as what they choose, big ones in pieces") {
  const Lowered result = lower_well(R"(
    define void @splat(ptr %p, float %x) {
      %a = insertelement <16 x float> poison, float %x, i64 0
      %b = shufflevector <16 x float> %a, <16 x float> poison, <16 x i32> zeroinitializer
      store <16 x float> %b, ptr %p
      ret void
    }
    define void @mask(ptr %p, <8 x i32> %a, <8 x i32> %b) {
      %m = icmp slt <8 x i32> %a, %b
      %x = load <8 x i64>, ptr %p
      %s = select <8 x i1> %m, <8 x i64> %x, <8 x i64> zeroinitializer
      store <8 x i64> %s, ptr %p
      %bits = bitcast <8 x i1> %m to i8
      store i8 %bits, ptr %p
      ret void
    }
    define void @big(ptr %p) {
      %x = load <32 x i32>, ptr %p
      %y = add <32 x i32> %x, %x
      store <32 x i32> %y, ptr %p
      ret void
    })");
  CHECK(operations(function(result, "splat")) == "splat store ret ");
  CHECK(operations(function(result, "mask")) ==
        "load load slt load sext select store mask_bits store ret ");
  CHECK(operations(function(result, "big")) == "load load add add store store ret ");
}

TEST_CASE("lines of the source are kept") {
  const Lowered result = lower_well(at_line_42("@x = global i32 0", "store i32 1, ptr @x"));
  const ir::Function& f = function(result, "broken");
  const auto store = std::find_if(f.instructions.begin(), f.instructions.end(),
                                  [](const ir::Instruction& i) { return i.op == ir::Op::store; });
  REQUIRE(store != f.instructions.end());
  CHECK(ir::location_line(store->location) == 42);
  CHECK(result.module.string(result.module.files[ir::location_file(store->location)]) ==
        "some.cpp");
}
