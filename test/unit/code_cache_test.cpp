// Code memory: what is installed runs where it lies, what is released is breakpoints and used
// again, and nothing is ever writable and executable through one mapping.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>

#include "microjit/code_cache.h"

namespace {

using namespace bf;
using microjit::CodeCache;
using microjit::CodeRelocation;
using microjit::CompiledCode;

constexpr u8 kInt3 = 0xcc;

u64 resolve_to_context(void* context, const CodeRelocation& r) {
  return *static_cast<u64*>(context) + r.index + static_cast<u64>(r.addend);
}

// movabs rax, <relocation>; ret; padded to `size`
CompiledCode returns_relocation(usize size = 11) {
  CompiledCode code;
  code.bytes = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xc3};
  code.bytes.resize(size, 0x90);
  code.code_bytes = static_cast<u32>(size);
  code.relocations.push_back({2, microjit::RelocKind::Data, 5, 7});
  return code;
}

CodeCache new_cache(usize bytes) {
  auto cache = CodeCache::create(bytes);
  REQUIRE(cache);
  return std::move(*cache);
}

const u8* install(CodeCache& cache, const CompiledCode& code, u64 context) {
  auto entry = cache.install(code, resolve_to_context, &context);
  REQUIRE(entry);
  return *entry;
}

u64 call(const u8* entry) {
  return reinterpret_cast<u64 (*)()>(reinterpret_cast<usize>(entry))();
}

// Protection of the mapping that an address lies in, as /proc/self/maps has it ("r-xs").
void protection_of(const void* address, char out[5]) {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  REQUIRE(maps != nullptr);
  char line[512];
  out[0] = 0;
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long long from, to;
    char protection[5];
    if (std::sscanf(line, "%llx-%llx %4s", &from, &to, protection) != 3) continue;
    const auto at = reinterpret_cast<unsigned long long>(address);
    if (at >= from && at < to) std::memcpy(out, protection, 5);
  }
  std::fclose(maps);
}

TEST_CASE("installed code is relocated, aligned and runs") {
  CodeCache cache = new_cache(1 << 16);
  const u8* first = install(cache, returns_relocation(), 1000);
  const u8* second = install(cache, returns_relocation(), 2000);
  CHECK(call(first) == 1012);
  CHECK(call(second) == 2012);
  CHECK(reinterpret_cast<usize>(first) % 64 == 0);
  CHECK(reinterpret_cast<usize>(second) % 64 == 0);
  CHECK(cache.used_bytes() == 128);
  CHECK(cache.contains(first));
  CHECK(cache.contains(second + 10));
  CHECK_FALSE(cache.contains(&cache));
}

TEST_CASE("the rest of a piece is breakpoints") {
  CodeCache cache = new_cache(1 << 16);
  const u8* entry = install(cache, returns_relocation(), 0);
  for (u32 n = 11; n < 64; ++n) CHECK(entry[n] == kInt3);
}

TEST_CASE("code memory is executable and not writable where it runs") {
  CodeCache cache = new_cache(1 << 16);
  const u8* entry = install(cache, returns_relocation(), 0);
  char protection[5];
  protection_of(entry, protection);
  CHECK(std::string_view(protection).substr(0, 3) == "r-x");
}

TEST_CASE("released code is filled with breakpoints and its memory used again") {
  CodeCache cache = new_cache(1 << 16);
  const u8* first = install(cache, returns_relocation(200), 1);
  const u8* second = install(cache, returns_relocation(200), 2);
  const u8* third = install(cache, returns_relocation(200), 3);
  const usize used = cache.used_bytes();
  cache.release(second);
  for (u32 n = 0; n < 256; ++n) CHECK(second[n] == kInt3);
  CHECK(cache.used_bytes() == used - 256);
  CHECK(call(first) == 13);
  CHECK(call(third) == 15);
  CHECK(install(cache, returns_relocation(100), 4) == second);
  CHECK(call(second) == 16);
}

TEST_CASE("neighbouring free pieces become one") {
  constexpr usize kBytes = 4096;
  CodeCache cache = new_cache(kBytes);
  const u8* pieces[4];
  for (const u8*& piece : pieces) piece = install(cache, returns_relocation(1024), 0);
  CHECK(cache.used_bytes() == kBytes);
  u64 context = 0;
  CHECK_FALSE(cache.install(returns_relocation(64), resolve_to_context, &context));
  cache.release(pieces[2]);
  cache.release(pieces[0]);
  cache.release(pieces[1]);
  CHECK(install(cache, returns_relocation(3 * 1024), 0) == pieces[0]);
  cache.release(pieces[0]);
  cache.release(pieces[3]);
  CHECK(cache.used_bytes() == 0);
  CHECK(install(cache, returns_relocation(kBytes), 0) == pieces[0]);
}

TEST_CASE("what cannot be installed is an error and changes nothing") {
  CodeCache cache = new_cache(4096);
  u64 context = 0;
  CHECK_FALSE(cache.install(CompiledCode{}, resolve_to_context, &context));
  CHECK_FALSE(cache.install(returns_relocation(5000), resolve_to_context, &context));
  CompiledCode outside = returns_relocation();
  outside.relocations[0].offset = 4;
  CHECK_FALSE(cache.install(outside, resolve_to_context, &context));
  CHECK(cache.used_bytes() == 0);
  CHECK_FALSE(CodeCache::create(0));
}

}  // namespace
