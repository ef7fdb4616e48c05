#include "microjit/lower/module_lowering.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Demangle/Demangle.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <cstdlib>

#include "microjit/ir/verify.h"
#include "microjit/lower/cleanup.h"
#include "microjit/lower/function_lowering.h"

namespace bf::lower {

namespace {

// `bf::Tokenizer::encode` for a C++ function: scope and name, no parameters.
std::string readable_name(const llvm::GlobalValue& global) {
  const std::string mangled = global.getName().str();
  // Without the prefix a name would be read as a type: `f` is float.
  llvm::ItaniumPartialDemangler demangler;
  if (!global.getName().starts_with("_Z") || demangler.partialDemangle(mangled.c_str()))
    return mangled;
  const auto take = [](char* text) {
    std::string result = text ? text : "";
    std::free(text);
    return result;
  };
  if (!demangler.isFunction()) {
    const std::string name = take(demangler.finishDemangle(nullptr, nullptr));
    return name.empty() ? mangled : name;
  }
  const std::string scope = take(demangler.getFunctionDeclContextName(nullptr, nullptr));
  const std::string name = take(demangler.getFunctionBaseName(nullptr, nullptr));
  if (name.empty()) return mangled;
  return scope.empty() ? name : scope + "::" + name;
}

// An instruction on one line, without what comes after a comma of metadata.
std::string print_short(const llvm::Value& value) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  value.print(stream);
  stream.flush();
  text = llvm::StringRef(text).trim().split('\n').first.str();
  if (const usize metadata = text.find(", !"); metadata != std::string::npos) text.resize(metadata);
  if (text.size() > 110) text = text.substr(0, 107) + "...";
  return text;
}

std::string source_line(const llvm::DILocation* location) {
  if (!location || location->getLine() == 0) return "";
  return location->getFilename().str() + ":" + std::to_string(location->getLine());
}

std::string source_line(const llvm::Function& function) {
  const llvm::DISubprogram* const subprogram = function.getSubprogram();
  if (!subprogram) return "";
  return subprogram->getFilename().str() + ":" + std::to_string(subprogram->getLine());
}

bool is_exported(const llvm::GlobalValue& global) {
  return global.hasExternalLinkage() || global.hasWeakAnyLinkage() || global.hasWeakODRLinkage() ||
         global.hasCommonLinkage();
}

u32 flag_of(llvm::StringRef annotation) {
  if (annotation == "bf.kernel") return ir::kKernel;
  if (annotation == "bf.reassoc") return ir::kReassoc;
  return annotation == "bf.cold" ? ir::kCold : 0;
}

}  // namespace

ModuleLowering::ModuleLowering(llvm::Module& source, Lowered& result)
    : source_(source), result_(result), types_(source.getDataLayout()) {}

void ModuleLowering::error(const llvm::Function* function, const llvm::Value* at,
                           const std::string& what) {
  if (result_.errors.size() >= kMaxErrors) return;
  std::string line;
  const auto* const instruction = llvm::dyn_cast_or_null<llvm::Instruction>(at);
  if (instruction) line = source_line(instruction->getDebugLoc());
  if (line.empty() && function) line = source_line(*function);
  std::string text = line.empty() ? "" : line + ": ";
  if (function) text += "function " + readable_name(*function) + ": ";
  text += what;
  if (instruction) text += ": " + print_short(*instruction);
  result_.errors.push_back(text);
}

const ModuleLowering::Place* ModuleLowering::place(const llvm::GlobalValue& global) const {
  const llvm::GlobalValue* target = &global;
  if (auto* const alias = llvm::dyn_cast<llvm::GlobalAlias>(&global))
    target = alias->getAliaseeObject()
                 ? llvm::dyn_cast<llvm::GlobalValue>(alias->getAliaseeObject())
                 : nullptr;
  const auto found = places_.find(target);
  return found == places_.end() ? nullptr : &found->second;
}

u32 ModuleLowering::type_of(const Place& function) {
  return function.target == ir::Target::Import ? module().imports[function.index].type
                                               : module().functions[function.index].type;
}

u32 ModuleLowering::import_from_library(std::string_view name, const ir::FunctionType& type) {
  ir::Module& m = module();
  for (u32 i = 0; i < m.imports.size(); ++i)
    if (m.string(m.imports[i].name) == name) return i;
  m.imports.push_back({m.intern(name), m.intern_type(type)});
  return static_cast<u32>(m.imports.size() - 1);
}

std::optional<u32> ModuleLowering::thread_local_descriptor(const llvm::GlobalValue& global) const {
  const auto found = thread_locals_.find(&global);
  if (found == thread_locals_.end()) return std::nullopt;
  return found->second;
}

u32 ModuleLowering::file_index(const llvm::DILocation& location) {
  const auto [entry, added] = files_.try_emplace(location.getFile(), 0);
  if (added) {
    ir::Module& m = module();
    const u32 name = m.intern(location.getFilename().str());
    const auto known = std::find(m.files.begin(), m.files.end(), name);
    entry->second = static_cast<u32>(known - m.files.begin());
    if (known == m.files.end()) m.files.push_back(name);
  }
  return entry->second;
}

ir::Location ModuleLowering::location(const llvm::Instruction& instruction) {
  const llvm::DILocation* const at = instruction.getDebugLoc();
  if (!at || at->getLine() == 0 || at->getLine() > ir::location_line(~0u)) return 0;
  const u32 file = file_index(*at);
  return file < 1u << 12 ? file << 20 | at->getLine() : 0;
}

std::string ModuleLowering::unique_name(const llvm::GlobalValue& global) {
  const std::string name = readable_name(global);
  std::string unique = name;
  for (u32 n = 2; std::find(names_.begin(), names_.end(), unique) != names_.end(); ++n)
    unique = name + "." + std::to_string(n);
  names_.push_back(unique);
  return unique;
}

void ModuleLowering::declare_function(const llvm::Function& source) {
  ir::Module& m = module();
  const Signature& signature = types_.signature(source);
  if (!signature.unsupported.empty()) error(&source, nullptr, signature.unsupported);
  ir::Function function;
  function.name = m.intern(unique_name(source));
  function.type = m.intern_type(signature.type);
  function.index = static_cast<u32>(m.functions.size());
  function.exported = is_exported(source);
  if (source.hasFnAttribute(llvm::Attribute::Cold)) function.flags |= ir::kCold;
  places_[&source] = {ir::Target::Function, function.index};
  m.functions.push_back(std::move(function));
}

void ModuleLowering::declare_import(const llvm::Function& source) {
  ir::Module& m = module();
  const Signature& signature = types_.signature(source);
  std::string unsupported = signature.unsupported;
  if (signature.hidden_result) unsupported = "an import with a result in more than two registers";
  for (const Passing& p : signature.parameters)
    if (p.by_reference) unsupported = "an import with a vector as an argument";
  if (!unsupported.empty()) {
    error(&source, nullptr, unsupported + " (" + source.getName().str() + ")");
    return;
  }
  places_[&source] = {ir::Target::Import, static_cast<u32>(m.imports.size())};
  // Results in x87's registers: support/ has functions that bring them into others.
  const bool extended = source.getReturnType()->isX86_FP80Ty();
  const std::string name = (extended ? "bf_f80_" : "") + source.getName().str();
  m.imports.push_back({m.intern(name), m.intern_type(signature.type), false,
                       source.hasExternalWeakLinkage()});
}

// A variable of the host. What clang means by __dso_handle is only told apart by its address.
void ModuleLowering::declare_data_import(const llvm::GlobalVariable& variable) {
  ir::Module& m = module();
  if (variable.isThreadLocal())
    return error(nullptr, nullptr,
                 "the thread-local variable " + variable.getName().str() + " is defined nowhere");
  ir::Import import;
  import.name = m.intern(variable.getName().str());
  import.type = m.intern_type({});
  import.is_data = true;
  import.is_weak = variable.hasExternalWeakLinkage() || variable.getName() == "__dso_handle";
  places_[&variable] = {ir::Target::Import, static_cast<u32>(m.imports.size())};
  m.imports.push_back(import);
}

// {key, bytes, alignment, initial image}: the key is the library's own, 0 until the first use.
void ModuleLowering::declare_thread_local(const llvm::GlobalVariable& variable, u32 image) {
  ir::Module& m = module();
  ir::Data descriptor;
  descriptor.name = m.intern(unique_name(variable) + ".thread_local");
  descriptor.align_log2 = 3;
  descriptor.writable = true;
  descriptor.size = 32;
  descriptor.bytes.resize(32);
  const u64 fields[] = {0, m.data[image].size, u64{1} << m.data[image].align_log2};
  for (u32 i = 0; i < sizeof fields; ++i)
    descriptor.bytes[i] = static_cast<u8>(fields[i / 8] >> (8 * (i % 8)));
  descriptor.relocations.push_back({24, ir::Target::Data, image, 0});
  thread_locals_[&variable] = static_cast<u32>(m.data.size());
  m.data.push_back(std::move(descriptor));
}

void ModuleLowering::declare_data(const llvm::GlobalVariable& variable) {
  ir::Module& m = module();
  const llvm::Align align =
      variable.getAlign().value_or(types_.layout().getPreferredAlign(&variable));
  if (variable.isDeclaration()) return declare_data_import(variable);
  if (align.value() > 4096) {
    error(nullptr, nullptr,
          "the variable " + variable.getName().str() + " is aligned to more than 4096 bytes");
    return;
  }
  ir::Data data;
  data.name = m.intern(unique_name(variable));
  data.align_log2 = log2_of(align.value());
  data.writable = !variable.isConstant() && !variable.isThreadLocal();
  data.size = types_.layout().getTypeAllocSize(variable.getValueType());
  const u32 index = static_cast<u32>(m.data.size());
  places_[&variable] = {ir::Target::Data, index};
  m.data.push_back(std::move(data));
  if (variable.isThreadLocal()) declare_thread_local(variable, index);
}

void ModuleLowering::declare() {
  module().files.push_back(module().intern(""));
  for (const llvm::Function& f : source_)
    if (reachable_.count(&f)) f.isDeclaration() ? declare_import(f) : declare_function(f);
  for (const llvm::GlobalVariable& v : source_.globals())
    if (reachable_.count(&v)) declare_data(v);
  for (const llvm::GlobalIFunc& f : source_.ifuncs())
    if (reachable_.count(&f))
      error(nullptr, nullptr, "the indirect function " + f.getName().str() + " is not supported");
}

void ModuleLowering::annotate(ir::Function& function, llvm::StringRef annotation) {
  function.flags |= flag_of(annotation);
  if (!annotation.consume_front("bf.specialise(")) return;
  llvm::SmallVector<llvm::StringRef> numbers;
  annotation.take_until([](char c) { return c == ')'; }).split(numbers, ',');
  for (const llvm::StringRef number : numbers) {
    u32 parameter = 0;
    if (!number.trim().getAsInteger(10, parameter) && parameter < ir::kMaxParameters)
      function.specialise |= u64{1} << parameter;
  }
}

// llvm.global.annotations is an array of {function, text, file, line, arguments}.
void ModuleLowering::read_annotations() {
  const auto* const variable = source_.getGlobalVariable("llvm.global.annotations");
  if (!variable || !variable->hasInitializer()) return;
  for (const llvm::Use& entry : variable->getInitializer()->operands()) {
    const auto* const record = llvm::dyn_cast<llvm::ConstantStruct>(entry);
    if (!record) continue;
    const auto* const function =
        llvm::dyn_cast<llvm::Function>(record->getOperand(0)->stripPointerCasts());
    const auto* const text =
        llvm::dyn_cast<llvm::GlobalVariable>(record->getOperand(1)->stripPointerCasts());
    const Place* const where = function ? place(*function) : nullptr;
    if (!where || where->target != ir::Target::Function || !text || !text->hasInitializer())
      continue;
    const auto* const bytes = llvm::dyn_cast<llvm::ConstantDataArray>(text->getInitializer());
    if (bytes && bytes->isCString())
      annotate(module().functions[where->index], bytes->getAsCString());
  }
}

void ModuleLowering::run() {
  const llvm::StringRef triple = source_.getTargetTriple();
  if (!triple.empty() && !triple.starts_with("x86_64")) {
    error(nullptr, nullptr, "the bitcode is for " + triple.str() + ", not for x86_64");
    return;
  }
  find_reachable();
  declare();
  read_annotations();
  for (const llvm::GlobalVariable& v : source_.globals())
    if (reachable_.count(&v) && v.hasInitializer() && place(v)) fill_data(v);
  for (llvm::Function& f : source_) {
    if (f.isDeclaration() || !reachable_.count(&f)) continue;
    if (!types_.signature(f).unsupported.empty()) continue;
    ir::Function& target = module().functions[place(f)->index];
    FunctionLowering(*this, f, target).run();
    if (result_.errors.empty()) clean_up(target);
  }
  if (!result_.errors.empty()) return;
  if (auto ok = ir::verify(module()); !ok)
    result_.errors.push_back(std::string("the lowering made invalid IR: ") + ok.error().message());
}

}  // namespace bf::lower
