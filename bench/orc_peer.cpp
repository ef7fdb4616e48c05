// LLVM's ORC JIT as a peer in the benchmark: runs a program's bitcode, or says how long LLVM's code
// generation takes for it. No part of BareFlow; built only for `./bareflow bench jit`.
//
//   orc-peer run FILE.bc [ARGS]        runs main, exits with its status
//   orc-peer compile N FILE.bc         JSON: nanoseconds of code generation, the least of N times
//
// Code generation is at -O2 (CodeGenOptLevel::Default) for this processor: the attributes that tie
// the bitcode to plain x86-64 are taken off. The bitcode comes from `clang -O2`, so LLVM's passes
// over IR have run already and are not counted.
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/ExecutionEngine/Orc/CompileUtils.h>
#include <llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Module.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Support/InitLLVM.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace llvm;

ExitOnError check("orc-peer: ");

std::unique_ptr<Module> read(const char* path, LLVMContext& context) {
  SMDiagnostic problem;
  std::unique_ptr<Module> module = parseIRFile(path, problem, context);
  if (!module) {
    problem.print("orc-peer", errs());
    std::exit(2);
  }
  for (Function& function : *module)
    for (const char* attribute : {"target-cpu", "target-features", "tune-cpu"})
      function.removeFnAttr(attribute);
  return module;
}

orc::JITTargetMachineBuilder this_processor() {
  auto builder = check(orc::JITTargetMachineBuilder::detectHost());
  builder.setCodeGenOptLevel(CodeGenOptLevel::Default);
  builder.getOptions().AllowFPOpFusion = FPOpFusion::Strict;  // the native program has no FMA either
  return builder;
}

// ---- Running -----------------------------------------------------------------------------------

int run(int count, char** words) {
  auto context = std::make_unique<LLVMContext>();
  std::unique_ptr<Module> module = read(words[0], *context);
  auto jit = check(orc::LLJITBuilder().setJITTargetMachineBuilder(this_processor()).create());
  check(jit->addIRModule(orc::ThreadSafeModule(std::move(module), std::move(context))));
  auto main = check(jit->lookup("main"));
  check(jit->initialize(jit->getMainJITDylib()));
  const int status = main.toPtr<int(int, char**)>()(count, words);
  std::fflush(stdout);
  std::_Exit(status);  // what LLVM would tidy up is no part of the program
}

// ---- Compiling ---------------------------------------------------------------------------------

int64_t nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

// The least time of `times` to make an object file of a module. Code generation changes a module,
// so that each time needs a clone (not counted), with the definitions that `wanted` says.
int64_t least_time(const Module& module, TargetMachine& machine, int times,
                   function_ref<bool(const GlobalValue*)> wanted) {
  int64_t least = INT64_MAX;
  for (int i = 0; i < times; ++i) {
    ValueToValueMapTy values;
    const std::unique_ptr<Module> clone = CloneModule(module, values, wanted);
    orc::SimpleCompiler compiler(machine);
    const int64_t start = nanoseconds();
    const std::unique_ptr<MemoryBuffer> object = check(compiler(*clone));
    least = std::min(least, nanoseconds() - start);
  }
  return least;
}

int compile(int times, const char* path) {
  LLVMContext context;
  const std::unique_ptr<Module> module = read(path, context);
  const std::unique_ptr<TargetMachine> machine = check(this_processor().createTargetMachine());
  module->setDataLayout(machine->createDataLayout());

  const auto everything = [](const GlobalValue*) { return true; };
  std::printf("{\"module_ns\": %lld, \"functions\": [",
              static_cast<long long>(least_time(*module, *machine, times, everything)));
  const char* separator = "\n";
  for (const Function& function : *module) {
    if (function.isDeclaration()) continue;
    const auto this_one = [&](const GlobalValue* value) { return value == &function; };
    std::printf("%s  {\"name\": \"%s\", \"instructions\": %u, \"ns\": %lld}", separator,
                function.getName().str().c_str(), function.getInstructionCount(),
                static_cast<long long>(least_time(*module, *machine, times, this_one)));
    separator = ",\n";
  }
  std::printf("\n]}\n");
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view what = count > 1 ? words[1] : "";
  const bool good = (what == "run" && count >= 3) || (what == "compile" && count == 4);
  if (!good) {
    std::fprintf(stderr, "usage: orc-peer run FILE.bc [ARGS], or orc-peer compile N FILE.bc\n");
    return 2;
  }
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  return what == "run" ? run(count - 2, words + 2) : compile(std::atoi(words[2]), words[3]);
}
