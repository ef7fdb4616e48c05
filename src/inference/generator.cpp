#include "inference/generator.h"

#include "inference/detokenizer.h"

namespace inference {

namespace {

constexpr double kNsPerMs = 1e6;
constexpr double kNsPerSecond = 1e9;

void describe_part(Message& message, Text name, u64 tokens, u64 ns) {
  message << name << " " << tokens << " tokens in "
          << Decimal{static_cast<double>(ns) / kNsPerMs, 1} << " ms";
  if (ns > 0 && tokens > 0) {
    const double rate = static_cast<double>(tokens) * kNsPerSecond / static_cast<double>(ns);
    message << " (" << Decimal{rate, 2} << " tok/s)";
  }
}

}  // namespace

void Statistics::add(const Statistics& other) {
  prompt_tokens += other.prompt_tokens;
  prompt_ns += other.prompt_ns;
  generated_tokens += other.generated_tokens;
  generate_ns += other.generate_ns;
}

void Statistics::describe(Message& message) const {
  describe_part(message, "prompt", prompt_tokens, prompt_ns);
  message << ", ";
  describe_part(message, "generated", generated_tokens, generate_ns);
}

bool Generator::load(MutableBytes file, const Settings& settings, Error& error) {
  constexpr u64 kMiB = 1 << 20;
  if (!file_.parse(file, error) || !model_.load(file_, file, error) ||
      !tokenizer_.load(file_, model_.shape.vocabulary, error) ||
      !transformer_.prepare(model_, settings.transformer, error))
    return false;
  if (!load_sampler(settings, error) ||
      !load_grammar({settings.grammar.data(), settings.grammar.size()}, error))
    return false;
  most_tokens_ = settings.tokens;
  special_ = settings.special;
  const Shape& shape = model_.shape;
  Message line;
  line << "model: " << shape.layers << " layers, dim " << shape.dim << ", " << shape.heads
       << " heads (" << shape.kv_heads << " kv), vocabulary " << shape.vocabulary << ", "
       << model_.output.format->name << ", context " << transformer_.context() << ", "
       << transformer_.memory_bytes() / kMiB << " MiB\n";
  line.write(BF_STREAM_LOG);
  const u64 wanted = min(settings.transformer.context == 0 ? shape.context : settings.transformer.context, shape.context);
  if (transformer_.context() < wanted) {
    Message note;
    note << "model: memory is short, so the context is " << transformer_.context()
         << " tokens instead of " << wanted << "\n";
    note.write(BF_STREAM_LOG);
  }
  return true;
}

bool Generator::load_sampler(const Settings& settings, Error& error) {
  for (const TokenBias& bias : settings.sampler.biases)
    if (bias.token >= model_.shape.vocabulary) {
      error << "logit-bias: there is no token " << bias.token << ", the vocabulary has "
            << model_.shape.vocabulary;
      return false;
    }
  if (!sampler_.prepare(model_.shape.vocabulary, transformer_.context(), settings.sampler)) {
    error << "model: not enough memory for the sampler: give the machine more memory";
    return false;
  }
  return true;
}

bool Generator::load_grammar(Text text, Error& error) {
  if (text.empty()) return true;
  has_grammar_ = true;
  if (!grammar_.parse(text, error)) return false;
  if (!filter_.prepare(tokenizer_)) error << "grammar: not enough memory for the vocabulary";
  return error.empty();
}

void Generator::print(Text text) {
  if (text.empty()) return;
  bf_write(BF_STREAM_TEXT, text.data, text.size);
}

bool Generator::encode(Text prompt, Error& error) {
  prompt_.clear();
  bool fits = tokenizer_.encode(prompt, {.begin = true, .special = special_}, prompt_);
  // A model without a beginning needs something to begin with.
  if (fits && prompt_.empty()) fits = prompt_.add(tokenizer_.begin_token());
  if (!fits) {
    error << "prompt: not enough memory for " << prompt.size << " bytes: give a shorter one";
    return false;
  }
  if (prompt_.size() <= transformer_.context()) return true;
  error << "prompt: " << prompt_.size() << " tokens do not fit into the context of "
        << transformer_.context() << ": give a shorter one";
  return false;
}

// The logits after the prompt, or null where it was interrupted.
const float* Generator::read_prompt(Interruptor* interruptor, Statistics& story) {
  const float* logits = nullptr;
  while (story.prompt_tokens < prompt_.size()) {
    if (logits != nullptr && interruptor != nullptr && interruptor->interrupted()) return nullptr;
    const u64 first = story.prompt_tokens;
    const u64 count = min(prompt_.size() - first, transformer_.batch());
    logits = transformer_.forward(prompt_.data() + first, count, first);
    story.prompt_tokens += count;
  }
  return logits;
}

bool Generator::choose(const float* logits, u32& token, Error& error) {
  token = sampler_.choose(logits, has_grammar_ ? &filter_ : nullptr);
  if (logits[token] - logits[token] != 0.0f)  // infinite or not a number
    error << "model: its weights lead to no numbers (infinite or NaN): the file is damaged, get it "
             "again";
  else if (has_grammar_ && filter_.failed())
    error << "grammar: there are too many ways to read the text: give a simpler one";
  else if (has_grammar_ && !filter_.allows(token))
    error << "grammar: no piece of the model's vocabulary goes on with the text";
  return error.empty();
}

bool Generator::go_on(const float* logits, bool at_start, Interruptor* interruptor,
                      Statistics& story, Error& error) {
  // To a grammar a space in front is part of the text.
  Detokenizer detokenizer(tokenizer_, at_start && !has_grammar_);
  u64 position = prompt_.size();
  while (story.generated_tokens < most_tokens_) {
    u32 token;
    if (!choose(logits, token, error)) return false;
    if (tokenizer_.ends_sequence(token)) break;
    ++story.generated_tokens;
    sampler_.accept(token);
    if (has_grammar_ && !filter_.accept(token)) break;  // never: it has just been allowed
    print(detokenizer.put(token));
    if (position == transformer_.context() || story.generated_tokens == most_tokens_) break;
    if (interruptor != nullptr && interruptor->interrupted()) break;
    logits = transformer_.forward(&token, 1, position++);
  }
  print(detokenizer.finish());
  return true;
}

bool Generator::tell(Text prompt, Interruptor* interruptor, Error& error) {
  if (!encode(prompt, error)) return false;
  Statistics story;
  print(prompt);

  sampler_.start();
  if (has_grammar_ && !filter_.start()) {
    error << "grammar: not enough memory to begin a text";
    return false;
  }
  for (u64 i = 0; i < prompt_.size(); ++i) sampler_.accept(prompt_[i]);

  const u64 start = bf_clock_ns();
  const float* logits = most_tokens_ == 0 ? nullptr : read_prompt(interruptor, story);
  const u64 prompt_done = bf_clock_ns();
  const bool told = logits == nullptr || go_on(logits, prompt.empty(), interruptor, story, error);
  print("\n");  // always, as llama2.c does
  if (!told) return false;

  story.prompt_ns = prompt_done - start;
  story.generate_ns = bf_clock_ns() - prompt_done;
  totals_.add(story);
  Message line;
  line << "stats: ";
  story.describe(line);
  line << "\n";
  line.write(BF_STREAM_LOG);
  return true;
}

}  // namespace inference
