#include "tools/run/imports.h"

#include <dlfcn.h>
#include <pthread.h>

#include <cstdlib>

#include "microjit/support/support.h"

namespace bf::run {

namespace {

using microjit::NamedAddress;

template <class F>
const void* code(F* function) {
  return reinterpret_cast<const void*>(function);
}

// glibc gives every executable its own copy of these, which dlsym() does not see.
const void* hidden_function(std::string_view name) {
  static const NamedAddress kHidden[] = {
      {"atexit", code(&std::atexit)},
      {"at_quick_exit", code(&at_quick_exit)},
      {"pthread_atfork", code(&pthread_atfork)},
  };
  for (const NamedAddress& entry : kHidden)
    if (entry.name == name) return entry.address;
  return nullptr;
}

const void* find(std::string_view name) {
  if (const void* const address = hidden_function(name)) return address;
  if (const void* const address = microjit::engine_import(name)) return address;
  if (const void* const address = microjit::support_function(name)) return address;
  return dlsym(RTLD_DEFAULT, std::string(name).c_str());
}

}  // namespace

Result<void> load_library(const std::string& file) {
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL)) return {};
  return Error::format("--library %s: %s", file.c_str(), dlerror());
}

Imports bind_imports(const ir::Module& module) {
  Imports imports;
  for (const ir::Import& import : module.imports) {
    const std::string_view name = module.string(import.name);
    imports.addresses.push_back({name, find(name)});
    if (imports.addresses.back().address || import.is_weak) continue;
    imports.missing += (imports.missing.empty() ? "" : ", ") + std::string(name);
  }
  return imports;
}

}  // namespace bf::run
