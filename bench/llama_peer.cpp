// llama.cpp as a peer: the model runs through its C API, as its own llama-bench and llama-tokenize
// do it. Built by scripts/cli/llama_peer.py against the headers and libraries of the npm packages.
//
//   llama-peer LIBRARIES MODEL.gguf THREADS serve
//       then, on standard input, a line each: "prompt N" or "generate N"; the answer is the time
//       in nanoseconds, beginning with an empty context each time
//   llama-peer LIBRARIES MODEL.gguf THREADS describe
//       one line: name of the model, its bytes, its parameters, the processor variant chosen
//   llama-peer LIBRARIES MODEL.gguf THREADS logits TOKENS.txt BATCH OUT.f32
//       float32 logits of every position, BATCH tokens at a time
//   llama-peer LIBRARIES MODEL.gguf THREADS tokenize FILE BOS SPECIAL
//       the ids of the file's text, one line; BOS and SPECIAL are 0 or 1
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "llama-peer: %s\n", what);
  std::exit(1);
}

// Only what has gone wrong.
void log(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
}

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read the file");
  return {std::istreambuf_iterator<char>(file), {}};
}

ggml_backend_reg_t processor() {
  const auto device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (device == nullptr) fail("it found no variant for this processor");
  return ggml_backend_dev_backend_reg(device);
}

template <class Function>
Function* processor_function(const char* name) {
  auto* const found =
      reinterpret_cast<Function*>(ggml_backend_reg_get_proc_address(processor(), name));
  if (found == nullptr) fail("its library lacks a function");
  return found;
}

llama_model* load(const char* path, bool vocabulary_only) {
  llama_model_params parameters = llama_model_default_params();
  parameters.vocab_only = vocabulary_only;
  llama_model* const model = llama_model_load_from_file(path, parameters);
  if (model == nullptr) fail("it cannot load the model");
  return model;
}

// With threads that stay, as in llama-bench; without, each token would start new ones.
class Context {
 public:
  Context(llama_model* model, u_int positions, int threads) {
    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = positions;
    parameters.n_batch = std::max(positions, 1u);
    parameters.n_threads = parameters.n_threads_batch = threads;
    context_ = llama_init_from_model(model, parameters);
    if (context_ == nullptr) fail("it cannot make a context");
    ggml_threadpool_params pool = ggml_threadpool_params_default(threads);
    llama_attach_threadpool(
        context_, processor_function<decltype(ggml_threadpool_new)>("ggml_threadpool_new")(&pool),
        nullptr);
  }

  void clear() { llama_memory_clear(llama_get_memory(context_), false); }

  void decode(llama_batch batch) {
    if (llama_decode(context_, batch) != 0) fail("decoding failed");
    llama_synchronize(context_);
  }

  llama_context* get() { return context_; }

 private:
  llama_context* context_;
};

class Bench {
 public:
  static constexpr u_int kPositions = 2048;

  Bench(llama_model* model, int threads)
      : pieces_(llama_vocab_n_tokens(llama_model_get_vocab(model))),
        context_(model, kPositions, threads) {}

  long run(const std::string& what, int tokens) {
    context_.clear();
    const auto start = Clock::now();
    if (what == "prompt")
      prompt(tokens);
    else if (what == "generate")
      generate(tokens);
    else
      fail("a line is 'prompt N' or 'generate N'");
    return std::chrono::nanoseconds(Clock::now() - start).count();
  }

 private:
  // Default batches: 512 tokens are one.
  void prompt(int tokens) {
    std::vector<llama_token> ids;
    while (tokens-- > 0) ids.push_back(any());
    for (size_t at = 0; at < ids.size(); at += kBatch)
      context_.decode(llama_batch_get_one(
          ids.data() + at, static_cast<int>(std::min<size_t>(kBatch, ids.size() - at))));
  }

  void generate(int tokens) {
    for (; tokens > 0; --tokens) {
      llama_token id = any();
      context_.decode(llama_batch_get_one(&id, 1));
    }
  }

  llama_token any() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<llama_token>((state_ >> 33) % static_cast<unsigned long>(pieces_));
  }

  static constexpr int kBatch = 2048;
  const int pieces_;
  unsigned long state_ = 1;
  Context context_;
};

int serve(const char* path, int threads) {
  Bench bench(load(path, false), threads);
  char line[100], what[20];
  int tokens;
  bench.run("prompt", 2);
  bench.run("generate", 2);
  std::puts("ready");
  std::fflush(stdout);
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    if (std::sscanf(line, "%19s %d", what, &tokens) != 2)
      fail("a line is 'prompt N' or 'generate N'");
    std::printf("%ld\n", bench.run(what, tokens));
    std::fflush(stdout);
  }
  return 0;
}

int describe(const char* path) {
  llama_model* const model = load(path, false);
  char name[128];
  llama_model_desc(model, name, sizeof name);
  std::printf("%s\t%llu\t%llu\t", name, static_cast<unsigned long long>(llama_model_size(model)),
              static_cast<unsigned long long>(llama_model_n_params(model)));
  const auto features = processor_function<ggml_backend_feature*(ggml_backend_reg_t)>(
      "ggml_backend_get_features")(processor());
  for (const ggml_backend_feature* feature = features; feature->name != nullptr; ++feature)
    std::printf("%s ", feature->name);
  std::puts("");
  return 0;
}

int write_logits(const char* path, int threads, const char* tokens_file, int batch_tokens,
                 const char* out) {
  llama_model* const model = load(path, false);
  const std::string text = read_file(tokens_file);
  std::vector<llama_token> ids;
  char* at = const_cast<char*>(text.c_str());
  for (char* end = at;; at = end) {
    const long id = std::strtol(at, &end, 10);
    if (end == at) break;
    ids.push_back(static_cast<llama_token>(id));
    while (*end == ',' || *end == ' ') ++end;
  }
  const int count = static_cast<int>(ids.size());
  const auto pieces = static_cast<size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model)));
  Context context(model, static_cast<u_int>(std::max(count, 16)), threads);
  std::FILE* const file = std::fopen(out, "wb");
  if (file == nullptr) fail("cannot write the logits");
  llama_batch batch = llama_batch_init(batch_tokens, 0, 1);
  for (int first = 0; first < count; first += batch_tokens) {
    batch.n_tokens = std::min(batch_tokens, count - first);
    for (int i = 0; i < batch.n_tokens; ++i) {
      batch.token[i] = ids[static_cast<size_t>(first + i)];
      batch.pos[i] = first + i;
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = 0;
      batch.logits[i] = 1;
    }
    context.decode(batch);
    for (int i = 0; i < batch.n_tokens; ++i)
      std::fwrite(llama_get_logits_ith(context.get(), i), sizeof(float), pieces, file);
  }
  return std::fclose(file) == 0 ? 0 : 1;
}

int tokenize(const char* path, const char* text_file, bool bos, bool special) {
  const llama_vocab* const vocabulary = llama_model_get_vocab(load(path, true));
  const std::string text = read_file(text_file);
  std::vector<llama_token> ids(text.size() + 8);
  const int count = llama_tokenize(vocabulary, text.data(), static_cast<int>(text.size()),
                                   ids.data(), static_cast<int>(ids.size()), bos, special);
  if (count < 0) fail("it cannot tokenize the text");
  for (int i = 0; i < count; ++i) std::printf(i > 0 ? " %d" : "%d", ids[static_cast<size_t>(i)]);
  std::puts("");
  return 0;
}

}  // namespace

int main(int count, char** words) {
  llama_log_set(log, nullptr);
  const std::string what = count > 4 ? words[4] : "";
  if (count > 1) ggml_backend_load_all_from_path(words[1]);
  llama_backend_init();
  if (what == "serve") return serve(words[2], std::atoi(words[3]));
  if (what == "describe") return describe(words[2]);
  if (what == "logits" && count == 8)
    return write_logits(words[2], std::atoi(words[3]), words[5], std::atoi(words[6]), words[7]);
  if (what == "tokenize" && count == 8)
    return tokenize(words[2], words[5], std::atoi(words[6]) != 0, std::atoi(words[7]) != 0);
  fail("see the comment at the top of llama_peer.cpp");
}
