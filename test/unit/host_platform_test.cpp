// The platform port in a Linux process, and what the runtime makes of it.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>

#include "arch/host/command_line.h"
#include "runtime/cpu_features.h"
#include "runtime/heap.h"
#include "runtime/options.h"
#include "runtime/platform.h"
#include "runtime/program_abi.h"
#include "runtime/program_imports.h"

using namespace bf;

namespace {

// The message of a command line that is refused; "" for a good one.
std::string refusal(std::vector<const char*> arguments) {
  auto line = host::parse_command_line(arguments);
  if (!line) return line.error().message();
  auto up = host::bring_up(*line);
  return up ? "" : up.error().message();
}

// How a child process ends that runs this.
template <class F>
int ending_of(F&& run) {
  const pid_t child = fork();
  if (child == 0) {
    (void)!freopen("/dev/null", "w", stderr);
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    run();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("pages are zeroed and writable") {
  auto* pages = static_cast<char*>(platform::allocate_pages(10'000));
  REQUIRE(pages != nullptr);
  for (int i = 0; i < 10'000; ++i) REQUIRE(pages[i] == 0);
  std::memset(pages, 1, 10'000);
  platform::free_pages(pages, 10'000);
  CHECK(platform::allocate_pages(0) == nullptr);
  CHECK(platform::allocate_pages(SIZE_MAX) == nullptr);
}

TEST_CASE("code that is written at one address runs at another") {
  const platform::CodeMemory code = platform::allocate_code(100);
  REQUIRE(code.write != nullptr);
  REQUIRE(code.run != code.write);
  CHECK(code.bytes >= 100);
  const u8 return_42[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov eax, 42; ret
  std::memcpy(code.write, return_42, sizeof return_42);
  CHECK(reinterpret_cast<int (*)()>(reinterpret_cast<uintptr_t>(code.run))() == 42);
  CHECK(ending_of([&] { const_cast<volatile u8*>(code.run)[0] = 0; }) == 128 + SIGSEGV);
  CHECK(ending_of([&] { reinterpret_cast<int (*)()>(code.write)(); }) == 128 + SIGSEGV);
}

TEST_CASE("the clock goes on, and ticks have a rate") {
  const u64 start = platform::clock_ns();
  CHECK(platform::clock_ns() >= start);
  CHECK(platform::ticks_per_second() > 100'000'000);
  CHECK(platform::ticks_per_second() < 10'000'000'000);
  CHECK(platform::random_seed() != platform::random_seed());
}

TEST_CASE("command lines make blobs and options") {
  const std::string file = "/tmp/bareflow-host-test-" + std::to_string(getpid());
  FILE* out = fopen(file.c_str(), "w");
  fputs("content", out);
  fclose(out);
  const std::string blob = "file=" + file;
  REQUIRE(refusal({"--blob", blob.c_str(), "--text", "prompt=a=b", "--option", "temp=0", "--option",
                   "seed=1", "--text", "empty="}) == "");
  unlink(file.c_str());
  const auto text = [](std::string_view name) {
    const auto bytes = platform::blob(name);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  CHECK(text("file") == "content");
  CHECK(text("prompt") == "a=b");
  CHECK(text("options") == "temp=0\nseed=1\n");
  CHECK(platform::blob("empty").data() != nullptr);
  CHECK(platform::blob("absent").data() == nullptr);
  u64 bytes = 9;
  CHECK(bf_blob("prompt", 6, &bytes) != nullptr);
  CHECK(bytes == 3);
  CHECK(bf_blob("stats", 5, &bytes) == nullptr);
}

TEST_CASE("an option's value may be a file, of several lines and any length") {
  const std::string file = "/tmp/bareflow-host-test-" + std::to_string(getpid());
  const std::string head = "root ::= \"\\n\"\r\n", tail(300'000, '#');
  FILE* out = fopen(file.c_str(), "w");
  fputs((head + tail).c_str(), out);
  fclose(out);
  const std::string option = "grammar=" + file;
  REQUIRE(refusal({"--option-file", option.c_str(), "--option", "temp=0"}) == "");
  unlink(file.c_str());
  CHECK(options::find("temp") == "0");
  CHECK(options::find("grammar") == "root ::= \"\\\\n\"\\r\\n" + tail);
  CHECK_THAT(refusal({"--option-file", option.c_str()}), Catch::Matchers::Contains(file));
  CHECK_THAT(refusal({"--option-file", "grammar"}), Catch::Matchers::Contains("NAME=VALUE"));
}

TEST_CASE("a blob that is taken is writable, aligned, and gone") {
  const std::string file = "/tmp/bareflow-host-test-" + std::to_string(getpid());
  const usize count = GENERATE(usize{0}, usize{1}, usize{4096}, (usize{35} << 20) + 123);
  CAPTURE(count);
  std::string content(count, 0);
  for (usize i = 0; i < count; ++i) content[i] = static_cast<char>(i * 2654435761u >> 13);
  FILE* out = fopen(file.c_str(), "w");
  fwrite(content.data(), 1, count, out);
  fclose(out);
  REQUIRE(refusal({"--blob", ("big=" + file).c_str(), "--text", "small=text"}) == "");
  u64 bytes = 9;
  auto* big = static_cast<char*>(bf_take_blob("big", 3, &bytes));
  REQUIRE(big != nullptr);
  REQUIRE(bytes == count);
  CHECK(reinterpret_cast<uintptr_t>(big) % 64 == 0);
  CHECK(std::memcmp(big, content.data(), count) == 0);
  std::memset(big, 1, count);
  CHECK(bf_blob("big", 3, &bytes) == nullptr);
  CHECK(bf_take_blob("big", 3, &bytes) == nullptr);
  CHECK(bytes == 0);
  // The file is as it was.
  FILE* in = fopen(file.c_str(), "r");
  std::string again(count, 0);
  CHECK(fread(again.data(), 1, count, in) == count);
  fclose(in);
  unlink(file.c_str());
  CHECK(again == content);

  auto* small = static_cast<char*>(bf_take_blob("small", 5, &bytes));
  REQUIRE(bytes == 4);
  CHECK(std::string_view(small, 4) == "text");
  CHECK(reinterpret_cast<uintptr_t>(small) % 64 == 0);
  small[0] = 'T';
  CHECK(bf_blob("small", 5, &bytes) == nullptr);
  CHECK(bf_take_blob("options", 7, &bytes) == nullptr);
  CHECK(bytes == 0);
  CHECK(bf_blob("options", 7, &bytes) != nullptr);
}

TEST_CASE("a file that has become shorter since is an error, not a crash") {
  const std::string file = "/tmp/bareflow-host-test-" + std::to_string(getpid());
  FILE* out = fopen(file.c_str(), "w");
  fputs("content", out);
  fclose(out);
  REQUIRE(refusal({"--blob", ("big=" + file).c_str()}) == "");
  REQUIRE(truncate(file.c_str(), 3) == 0);
  u64 bytes = 0;
  CHECK(ending_of([&] { bf_take_blob("big", 3, &bytes); }) == 1);
  unlink(file.c_str());
}

TEST_CASE("command lines that are wrong are refused") {
  CHECK_THAT(refusal({"--what"}), Catch::Matchers::StartsWith("error: --what: unknown"));
  CHECK_THAT(refusal({"--blob"}), Catch::Matchers::Contains("must follow"));
  CHECK_THAT(refusal({"--blob", "x"}), Catch::Matchers::Contains("expected NAME=VALUE"));
  CHECK_THAT(refusal({"--blob", "x=/no/such/file"}),
             Catch::Matchers::StartsWith("error: cannot read /no/such/file: No such file"));
  CHECK_THAT(refusal({"--blob", "model=/no/such/file"}),
             Catch::Matchers::StartsWith("error: model: cannot read /no/such/file"));
  CHECK_THAT(refusal({"--blob", "x=/"}), Catch::Matchers::Contains("directory"));
  CHECK_THAT(refusal({"--stream", "profile=/no/such/folder/x"}),
             Catch::Matchers::StartsWith("error: cannot write"));
  CHECK_THAT(refusal({"--stream", "text=/dev/null"}), Catch::Matchers::Contains("streams with a file"));
  for (const char* threads : {"threads=", "threads=0", "threads=65", "threads=2x", "threads=-1"})
    CHECK_THAT(refusal({"--option", threads}), Catch::Matchers::Contains("a number from 1 to 64"));
  CHECK_THAT(refusal({"--option", "isa=z80"}), Catch::Matchers::Contains("use sse2, avx2"));
}

TEST_CASE("processor features follow CPUID, XCR0 and the cap") {
  CpuidLeaves all;
  all.leaf1_ecx = all.leaf7_ebx = all.leaf7_ecx = all.leaf7_1_eax = ~0u;
  all.extended1_ecx = all.extended7_edx = ~0u;
  const auto full = decode_cpu_features(all, 0xe7);
  CHECK((full.avx && full.avx2 && full.avx512f && full.avx512bf16 && full.lzcnt));
  const auto ymm_only = decode_cpu_features(all, 0x07);
  CHECK((ymm_only.avx2 && ymm_only.fma && !ymm_only.avx512f && !ymm_only.avx512vnni));
  const auto none = decode_cpu_features(all, 0x03);
  CHECK((!none.avx && !none.avx2 && !none.f16c && !none.avx512f && none.sse42 && none.bmi2));
  all.leaf1_ecx &= ~(1u << 27);  // the system has not switched XSAVE on
  CHECK_FALSE(decode_cpu_features(all, 0xe7).avx);

  auto capped = full;
  CHECK(cap_cpu_features(capped, "avx512vnni"));
  CHECK((capped.avx512f && capped.avx512vnni && capped.avx512bf16));
  CHECK(cap_cpu_features(capped, "avx512"));
  CHECK((capped.avx512f && !capped.avx512vnni && !capped.avx512bf16));
  capped = full;
  CHECK(cap_cpu_features(capped, "avxvnni"));
  CHECK((capped.avxvnni && !capped.avx512f && !capped.avx512vnni));
  CHECK(cap_cpu_features(capped, "avx2"));
  CHECK((capped.avx2 && !capped.avx512f && !capped.avxvnni));
  CHECK(cap_cpu_features(capped, "sse2"));
  CHECK((!capped.sse3 && !capped.popcnt && !capped.bmi1 && capped.invariant_tsc));
  CHECK_FALSE(cap_cpu_features(capped, ""));
}

TEST_CASE("the processor's features agree with the compiler's") {
  const CpuidLeaves leaves = read_cpuid();
  const auto features = decode_cpu_features(leaves, leaves.has_xgetbv() ? read_xcr0() : 0);
  CHECK(features.sse42 == (__builtin_cpu_supports("sse4.2") != 0));
  CHECK(features.avx2 == (__builtin_cpu_supports("avx2") != 0));
  CHECK(features.avx512bw == (__builtin_cpu_supports("avx512bw") != 0));
  CHECK(features.bmi2 == (__builtin_cpu_supports("bmi2") != 0));
}

TEST_CASE("imports have names and addresses") {
  bool found = false;
  for (const ProgramImport& import : program_imports()) {
    CHECK(import.address != nullptr);
    found = found ||
            (import.name == "bf_alloc" && import.address == reinterpret_cast<void*>(&bf_alloc));
  }
  CHECK(found);
  auto* memory = static_cast<char*>(bf_alloc(1000));
  CHECK(reinterpret_cast<uintptr_t>(memory) % 64 == 0);
  bf_free(memory);
  std::atomic<u64> sum = 0;
  const auto add = [](void* total, u64 first, u64 last) {
    for (; first < last; ++first) *static_cast<std::atomic<u64>*>(total) += first;
  };
  bf_parallel_for(3, 10, 4, add, &sum);
  CHECK(sum == 42);
  bf_parallel_for(5, 5, 4, add, &sum);
  CHECK(sum == 42);
}

TEST_CASE("a bug stops the process: abort, double release, overwritten header") {
  CHECK(ending_of([] { bf_abort("no", 2); }) == 128 + SIGABRT);
  CHECK(ending_of([] {
          void* block = heap::allocate(50);
          heap::release(block);
          heap::release(block);
        }) == 128 + SIGABRT);
  CHECK(ending_of([] {
          auto* block = static_cast<char*>(heap::allocate(50));
          std::memset(block - 16, 0, 16);
          heap::release(block);
        }) == 128 + SIGABRT);
  CHECK(ending_of([] { platform::exit(3); }) == 3);
}
