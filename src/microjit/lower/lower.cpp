#include "microjit/lower/lower.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Verifier.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>

#include "microjit/lower/module_lowering.h"
#include "microjit/lower/prepare.h"

namespace bf::lower {

namespace {

std::string describe(const std::string& path, const llvm::SMDiagnostic& diagnostic) {
  std::string text = path + ": ";
  if (diagnostic.getLineNo() > 0) text += "line " + std::to_string(diagnostic.getLineNo()) + ": ";
  return text + diagnostic.getMessage().str();
}

// What LLVM has to say (while linking, say) goes where our own errors go.
void collect(const llvm::DiagnosticInfo* info, void* errors) {
  if (info->getSeverity() != llvm::DS_Error) return;
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::DiagnosticPrinterRawOStream printer(stream);
  info->print(printer);
  stream.flush();
  static_cast<std::vector<std::string>*>(errors)->push_back(text);
}

void lower_module(llvm::Module& module, Lowered& result) {
  std::string wrong;
  llvm::raw_string_ostream stream(wrong);
  if (llvm::verifyModule(module, &stream)) {
    stream.flush();
    result.errors.push_back("broken bitcode: " + wrong.substr(0, wrong.find('\n')));
    return;
  }
  prepare(module);
  ModuleLowering(module, result).run();
}

}  // namespace

Lowered lower_files(const std::vector<std::string>& paths) {
  Lowered result;
  llvm::LLVMContext context;
  context.setDiagnosticHandlerCallBack(collect, &result.errors);
  std::unique_ptr<llvm::Module> whole;
  for (const std::string& path : paths) {
    llvm::SMDiagnostic diagnostic;
    std::unique_ptr<llvm::Module> module = llvm::parseIRFile(path, diagnostic, context);
    if (!module) {
      result.errors.push_back(describe(path, diagnostic));
      return result;
    }
    if (!whole) {
      whole = std::move(module);
    } else if (llvm::Linker::linkModules(*whole, std::move(module))) {
      result.errors.push_back(path + ": cannot be linked with the files before it");
      return result;
    }
  }
  if (whole) lower_module(*whole, result);
  return result;
}

Lowered lower_assembly(std::string_view text) {
  Lowered result;
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  const std::unique_ptr<llvm::Module> module =
      llvm::parseAssemblyString(llvm::StringRef(text.data(), text.size()), diagnostic, context);
  if (!module) {
    result.errors.push_back(describe("assembly", diagnostic));
    return result;
  }
  lower_module(*module, result);
  return result;
}

}  // namespace bf::lower
