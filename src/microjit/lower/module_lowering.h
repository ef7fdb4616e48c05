// One module's lowering: which function, import or data item an LLVM global became, and what all
// functions share. FunctionLowering fills in the bodies.
#pragma once

#include <llvm/IR/Module.h>

#include <optional>

#include "microjit/lower/lower.h"
#include "microjit/lower/types.h"

namespace bf::lower {

class ModuleLowering {
 public:
  ModuleLowering(llvm::Module& source, Lowered& result);
  // Everything; errors are in the result.
  void run();

  // ---- For FunctionLowering
  Types& types() { return types_; }
  ir::Module& module() { return result_.module; }
  llvm::Module& source() { return source_; }

  // What a global is in the IR; null for one that has no place there.
  struct Place {
    ir::Target target;
    u32 index;
  };
  const Place* place(const llvm::GlobalValue& global) const;
  // The data item that describes a thread-local variable to bf_thread_local().
  std::optional<u32> thread_local_descriptor(const llvm::GlobalValue& global) const;
  // The function type of what a function became.
  u32 type_of(const Place& function);
  // The import of a function of the C run-time library that the lowering itself needs.
  u32 import_from_library(std::string_view name, const ir::FunctionType& type);

  ir::Location location(const llvm::Instruction& instruction);
  // Records an error; `at` may be null.
  void error(const llvm::Function* function, const llvm::Value* at, const std::string& what);

 private:
  // reachable.cpp
  void find_reachable();
  void reach(const llvm::Value& value, std::vector<const llvm::Value*>& pending);

  void declare();
  void declare_function(const llvm::Function& function);
  void declare_import(const llvm::Function& function);
  void declare_data(const llvm::GlobalVariable& variable);
  void declare_data_import(const llvm::GlobalVariable& variable);
  void declare_thread_local(const llvm::GlobalVariable& variable, u32 image);
  void read_annotations();
  void annotate(ir::Function& function, llvm::StringRef annotation);
  std::string unique_name(const llvm::GlobalValue& global);
  u32 file_index(const llvm::DILocation& location);

  // data.cpp
  void fill_data(const llvm::GlobalVariable& variable);
  bool write_constant(const llvm::Constant& constant, u64 offset, ir::Data& data);
  bool write_address(const llvm::Constant& constant, u64 offset, ir::Data& data);

  llvm::Module& source_;
  Lowered& result_;
  Types types_;
  llvm::DenseMap<const llvm::GlobalValue*, Place> places_;
  llvm::DenseMap<const llvm::GlobalValue*, u32> thread_locals_;  // data: their descriptors
  llvm::DenseMap<const llvm::Value*, bool> reachable_;
  llvm::DenseMap<const void*, u32> files_;
  std::vector<std::string> names_;
};

}  // namespace bf::lower
