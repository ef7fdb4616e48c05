#include "boot/selftest.h"

#include <charconv>
#include <cstring>

#include "arch/x86/memory.h"
#include "arch/x86/page_table.h"
#include "arch/x86/print.h"
#include "arch/x86/registers.h"
#include "arch/x86/stacks.h"
#include "runtime/heap.h"
#include "runtime/options.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

using x86::print;

constexpr u8 kReturn42[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov $42, %eax; ret
using NumberFunction = int (*)();

const char constant_text[] = "constant";
u8 data_code[sizeof kReturn42] = {0xb8, 42, 0, 0, 0, 0xc3};

i32 fail(const char* what) {
  print("selftest failed: %s\n", what);
  return 1;
}

// Keeps the optimiser from seeing what a test is about to do wrong.
template <class T>
T hidden(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

[[gnu::noinline]] i32 selftest_divide_error() {
  int quotient;
  asm volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx"
               : "=a"(quotient)
               : "a"(1)
               : "ecx", "edx");
  return fail("dividing by zero did nothing");
}

[[gnu::noinline]] i32 selftest_null_read() {
  const u64 value = *hidden(static_cast<const volatile u64*>(nullptr));
  print("read %lu\n", value);
  return fail("a null pointer could be read");
}

[[gnu::noinline]] i32 selftest_null_call() {
  hidden(static_cast<NumberFunction>(nullptr))();
  return fail("a null pointer could be called");
}

[[gnu::noinline]] i32 selftest_write_rodata() {
  *hidden(const_cast<volatile char*>(constant_text)) = 'x';
  return fail("a constant could be written");
}

[[gnu::noinline]] i32 selftest_write_text() {
  *hidden(reinterpret_cast<volatile u8*>(&run_selftest)) = 0xcc;
  return fail("code could be written");
}

[[gnu::noinline]] i32 selftest_write_code() {
  const auto code = platform::allocate_code(platform::kPageBytes);
  if (code.run == nullptr) return fail("no code memory");
  *hidden(const_cast<volatile u8*>(code.run)) = 0xcc;
  return fail("the run mapping could be written");
}

[[gnu::noinline]] i32 selftest_execute_data() {
  hidden(reinterpret_cast<NumberFunction>(data_code))();
  return fail("data could be run");
}

[[gnu::noinline]] i32 selftest_execute_heap() {
  void* block = heap::allocate(sizeof kReturn42);
  std::memcpy(block, kReturn42, sizeof kReturn42);
  hidden(reinterpret_cast<NumberFunction>(block))();
  return fail("the heap could be run");
}

[[gnu::noinline]] i32 selftest_execute_code() {
  const auto code = platform::allocate_code(1);
  if (code.run == nullptr || code.bytes < platform::kPageBytes) return fail("no code memory");
  std::memcpy(code.write, kReturn42, sizeof kReturn42);
  if (std::memcmp(code.run, kReturn42, sizeof kReturn42) != 0)
    return fail("two different memories");
  const int result = reinterpret_cast<NumberFunction>(const_cast<u8*>(code.run))();
  return result == 42 ? 0 : fail("the code gave another result");
}

[[gnu::noinline]] i32 selftest_invalid_opcode() {
  asm volatile("ud2");
  return fail("ud2 did nothing");
}

[[gnu::noinline]] i32 selftest_breakpoint() {
  asm volatile("int3");
  return fail("int3 did nothing");
}

[[gnu::noinline]] i32 selftest_general_protection() {
  const u64 value = *hidden(reinterpret_cast<const volatile u64*>(u64{0x8000'0000'0000'0000}));
  print("read %lu\n", value);
  return fail("a non-canonical address could be read");
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winfinite-recursion"
[[gnu::noinline]] u64 recurse_forever(u64 depth) {
  volatile u8 frame[512];
  frame[depth % sizeof frame] = 1;
  return recurse_forever(depth + 1) + frame[0];
}
#pragma clang diagnostic pop

[[gnu::noinline]] i32 selftest_stack_overflow() {
  print("depth %lu\n", recurse_forever(hidden(u64{0})));
  return fail("there is no end of the stack");
}

[[gnu::noinline]] i32 selftest_panic() {
  BF_UNREACHABLE("this is a test");
}

// Takes all memory in blocks of `bytes`, checks that it is zero where it must be, gives it back.
usize use_up(usize bytes) {
  struct Block {
    Block* next;
  };
  Block* blocks = nullptr;
  usize count = 0;
  while (auto* block = static_cast<Block*>(heap::allocate(bytes))) {
    block->next = blocks;
    blocks = block;
    ++count;
  }
  while (blocks != nullptr) {
    Block* next = blocks->next;
    heap::release(blocks);
    blocks = next;
  }
  return count;
}

[[gnu::noinline]] i32 selftest_heap_exhaustion() {
  constexpr usize kBlock = usize{1} << 20;
  const u64 before = x86::free_memory_bytes();
  const usize first = use_up(kBlock);
  const usize second = use_up(kBlock);
  print("selftest: %lu blocks of 1 MiB, then %lu\n", first, second);
  if (first < 4 || first != second) return fail("memory was lost");
  if (x86::free_memory_bytes() != before) return fail("pages were lost");
  return platform::allocate_pages(usize{1} << 50) == nullptr ? 0 : fail("a petabyte was there");
}

[[gnu::noinline]] i32 selftest_wedge() {
  for (;;) asm volatile("cli; pause");
}

[[gnu::noinline]] i32 selftest_out_of_memory() {
  for (usize taken = 0; taken < 1 << 20; ++taken) hidden(new u8[usize{1} << 20]);
  return fail("there is no end of memory");
}

[[gnu::noinline]] i32 selftest_double_release() {
  void* block = heap::allocate(100);
  heap::release(block);
  heap::release(hidden(block));
  return fail("a block could be released twice");
}

[[gnu::noinline]] i32 selftest_page_audit() {
  if (platform::allocate_code(3 * platform::kPageBytes).run == nullptr)
    return fail("no code memory");
  const x86::PageAudit audit = x86::audit_pages();
  print("selftest: %lu KiB read-only, %lu KiB writable, %lu KiB executable, %lu pages both\n",
        audit.read_bytes >> 10, audit.write_bytes >> 10, audit.execute_bytes >> 10,
        audit.write_execute_pages);
  if (audit.write_execute_pages != 0) {
    print("selftest: the first at %#lx\n", audit.first_write_execute);
    return fail("a page is writable and executable");
  }
  if (audit.null_page_mapped) return fail("page 0 is mapped");
  constexpr u64 kWriteProtect = 1 << 16;
  if ((x86::read_cr0() & kWriteProtect) == 0) return fail("CR0.WP is off");
  return audit.execute_bytes > 0 && audit.read_bytes > 0 ? 0 : fail("the walk found no pages");
}

bool memory_adds_up(const char* when) {
  const x86::MemoryReport r = x86::memory_report();
  print("selftest: memory %s: %lu KiB of RAM = low %lu + kernel %lu + modules %lu + tables %lu + "
        "stacks %lu + code %lu + pages %lu + free %lu + aside %lu + beyond %lu\n",
        when, r.ram >> 10, r.low >> 10, r.kernel >> 10, r.modules >> 10, r.tables >> 10,
        r.stacks >> 10, r.code >> 10, r.pages >> 10, r.free >> 10, r.aside >> 10, r.beyond >> 10);
  return r.sum() == r.ram;
}

[[gnu::noinline]] i32 selftest_memory_report() {
  const x86::MemoryReport before = x86::memory_report();
  if (!memory_adds_up("at first")) return fail("the parts are not the whole");
  constexpr usize kBytes = usize{1} << 20;
  void* const pages = platform::allocate_pages(kBytes);
  const auto code = platform::allocate_code(kBytes);
  if (x86::allocate_stack(kBytes) == nullptr || code.run == nullptr) return fail("no memory");
  const x86::MemoryReport taken = x86::memory_report();
  if (!memory_adds_up("in use")) return fail("the parts are not the whole with more in use");
  if (taken.pages != before.pages + kBytes || taken.code != before.code + kBytes ||
      taken.stacks != before.stacks + kBytes)
    return fail("memory was put down to something else");
  platform::free_pages(pages, kBytes);
  platform::drop_blob("model");
  if (!memory_adds_up("at last")) return fail("the parts are not the whole after giving back");
  if (x86::memory_report().pages != before.pages) return fail("pages were not given back");
  const x86::PageAudit audit = x86::audit_pages();
  print("selftest: %lu pages of 4 KiB, %lu of 2 MiB, %lu of 1 GiB\n", audit.pages[0],
        audit.pages[1], audit.pages[2]);
  return 0;
}

[[gnu::noinline]] i32 selftest_take_model() {
  const auto model = platform::blob("model");
  if (model.empty()) return fail("there is no model");
  const u64 first_word = *reinterpret_cast<const u64*>(model.data());
  const x86::PageAudit before = x86::audit_pages();
  usize bytes = 0;
  u8* const memory = platform::take_blob("model", bytes);
  if (memory != model.data() || bytes != model.size()) return fail("other bytes were given");
  if (platform::blob("model").data() != nullptr) return fail("there is still a model");
  if (platform::take_blob("model", bytes) != nullptr || bytes != 0)
    return fail("it was given twice");
  if (*reinterpret_cast<const u64*>(memory) != first_word) return fail("the bytes have changed");
  for (usize at = 0; at < model.size(); at += platform::kPageBytes) memory[at] ^= 1;
  memory[model.size() - 1] ^= 1;

  const x86::PageAudit after = x86::audit_pages();
  const u64 start = reinterpret_cast<u64>(memory) & ~u64{platform::kPageBytes - 1};
  const u64 end = align_up(reinterpret_cast<u64>(memory) + model.size(), u64{platform::kPageBytes});
  print("selftest: %lu KiB more are writable, %lu pages both\n",
        (after.write_bytes - before.write_bytes) >> 10, after.write_execute_pages);
  if (after.write_bytes - before.write_bytes != end - start) return fail("not just its pages");
  if (before.read_bytes - after.read_bytes != end - start) return fail("others have changed");
  return after.write_execute_pages == 0 ? 0 : fail("a page is writable and executable");
}

[[gnu::noinline]] i32 selftest_exit_status() {
  const std::string_view text = options::find("status").value_or("");
  i32 status = 1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  return error == std::errc{} ? status : fail("the option status is not a number");
}

[[gnu::noinline]] i32 selftest_echo() {
  char bytes[64];
  while (const usize count = platform::read(bytes, sizeof bytes))
    platform::write(platform::Stream::Text, {bytes, count});
  platform::write(platform::Stream::Text, "end of input\n");
  return 0;
}

[[gnu::noinline]] i32 selftest_streams() {
  platform::write(platform::Stream::Text, "a line of text\n");
  platform::write(platform::Stream::Log, "a line of log\n");
  platform::write(platform::Stream::Profile, "{\"a\": \"profile\"}\n");
  for (int i = 1; i <= 40; ++i) print("row %d\n", i);
  // test/boot/screens.py looks at every pixel of this.
  platform::write(platform::Stream::Text,
                  "naïve \x1b[31mred\x1b[0m and 12\b3\n"
                  "\x1b[1;97;44m bold on blue \x1b[0m \x1b[7minverse\x1b[27m \x1b[92;40mgreen\x1b[m, "
                  "\x1b[33myellow\x1b[39m, \x1b[30;106mcyan\x1b[0m\n"
                  "Ελληνικά Русский Čeština œuvre → 12 €\n"
                  "┌──┬──┐ █▓▒░ ½ ± ∞ “quoted” e\u0301 世界 \xff end\n");
  return 0;
}

[[gnu::noinline]] i32 selftest_clock() {
  u64 last = platform::clock_ns();
  for (int i = 0; i < 1000; ++i) {
    const u64 now = platform::clock_ns();
    if (now < last) return fail("time went back");
    last = now;
  }
  if (platform::ticks_per_second() < 1'000'000) return fail("less than 1 MHz");
  return platform::random_seed() != platform::random_seed() ? 0 : fail("the same number twice");
}

[[gnu::noinline]] i32 selftest_vector_state() {
  const auto& features = platform::cpu_features();
  u64 low = 0;
  if (features.avx)
    asm volatile("vpcmpeqd %%xmm1, %%xmm1, %%xmm1; vmovq %%xmm1, %0" : "=r"(low) : : "xmm1");
  else
    asm volatile("pcmpeqd %%xmm1, %%xmm1; movq %%xmm1, %0" : "=r"(low) : : "xmm1");
  if (low != ~u64{0}) return fail("SSE or AVX gives wrong results");
  if (features.avx512f) asm volatile("vpxorq %%zmm31, %%zmm31, %%zmm31; vzeroupper" : : : "memory");
  print("selftest: avx %d avx512f %d\n", features.avx, features.avx512f);
  return 0;
}

struct Selftest {
  std::string_view name;
  const char* text;
  i32 (*run)();
};
constexpr Selftest kSelftests[] = {
#define BF_SELFTEST(name, text) {#name, text, selftest_##name},
#include "boot/selftests.def"
#undef BF_SELFTEST
};

}  // namespace

i32 run_selftest(std::string_view name) {
  for (const Selftest& test : kSelftests) {
    if (test.name != name) continue;
    print("[selftest] %s: %s\n", test.name.data(), test.text);
    const i32 status = test.run();
    print("[selftest] status %d\n", status);
    return status;
  }
  print("error: there is no selftest of this name; there are:\n");
  for (const Selftest& test : kSelftests) print("  %-20s %s\n", test.name.data(), test.text);
  return 2;
}

}  // namespace bf::boot
