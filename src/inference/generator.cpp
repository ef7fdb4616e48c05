#include "inference/generator.h"

#include "inference/token_ids.h"

namespace inference {

namespace {

Text as_text(const List<char>& bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

bool Generator::load(MutableBytes file, const Settings& settings, Error& error) {
  if (!file_.parse(file, error) || !model_.load(file_, file, error) ||
      !tokenizer_.load(file_, model_.shape.vocabulary, error) ||
      !transformer_.prepare(model_, settings.transformer, error))
    return false;
  settings_ = &settings;
  if (!load_sampler(settings, error) || !load_grammar(as_text(settings.grammar), error) ||
      !load_chat(error))
    return false;
  describe_model();
  return true;
}

// Each format that a matrix of a layer has, once.
void Generator::describe_formats(Message& lines) const {
  constexpr u64 kMost = 8;
  const Format* seen[kMost];
  u64 count = 0;
  const auto note = [&](const Matrix& matrix) {
    for (u64 i = 0; i < count; ++i)
      if (seen[i] == matrix.format) return;
    if (count == kMost) return;
    seen[count++] = matrix.format;
    lines << " " << matrix.format->name;
  };
  for (u64 i = 0; i < model_.shape.layers; ++i) {
    const Layer& layer = model_.layers[i];
    const Matrix* const matrices[] = {&layer.query, &layer.key, &layer.value, &layer.output,
                                      &layer.gate,  &layer.up,  &layer.down};
    for (const Matrix* matrix : matrices) note(*matrix);
  }
}

// What is a file's own, beside what describe_model() says at the start.
void Generator::describe(Message& lines) const {
  const Shape& shape = model_.shape;
  lines << "architecture " << shape.architecture.name << ": " << shape.layers << " layers, dim " << shape.dim
        << ", " << shape.heads << " heads (" << shape.kv_heads << " kv), hidden " << shape.hidden << "\n"
        << "weights";
  describe_formats(lines);
  lines << "; output " << model_.output.format->name << ", embedding " << model_.embedding.format->name
        << "\n"
        << "context " << transformer_.context() << " of " << shape.context << " positions, vocabulary "
        << shape.vocabulary << "\n";
}

void Generator::describe_model() const {
  constexpr u64 kMiB = 1 << 20;
  const Shape& shape = model_.shape;
  Message line;
  line << "model: " << shape.layers << " layers, dim " << shape.dim << ", " << shape.heads
       << " heads (" << shape.kv_heads << " kv), vocabulary " << shape.vocabulary << ", "
       << model_.output.format->name << ", context " << transformer_.context() << ", "
       << transformer_.memory_bytes() / kMiB << " MiB\n";
  line.write(BF_STREAM_LOG);
  const u64 most = settings_->transformer.context;
  const u64 wanted = min(most == 0 ? shape.context : most, shape.context);
  if (transformer_.context() < wanted) {
    Message note;
    note << "model: memory is short, so the context is " << transformer_.context()
         << " tokens instead of " << wanted << "\n";
    note.write(BF_STREAM_LOG);
  }
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

bool Generator::load_chat(Error& error) {
  const auto add_stop = [&](Text stop) {
    bool fits = true;
    for (const char byte : stop) fits = fits && stops_.add(byte);
    if (!(fits && stops_.add('\0'))) error << "reverse-prompt: not enough memory";
  };
  add_stop(as_text(settings_->stops));
  if (!chats()) return error.empty();
  const Text wanted = as_text(settings_->chat_template);
  Text jinja;
  ChatTemplate style;
  const bool has_own = file_.find_text("tokenizer.chat_template", jinja);
  if (!(wanted.empty() ? detect_chat_template(jinja, style) : find_chat_template(wanted, style))) {
    if (!wanted.empty())
      error << "chat-template=" << Quoted(wanted) << " is not known: give one of ";
    else
      error << "model: "
            << (has_own ? Text("its chat template is none that is known")
                        : Text("it has no chat template"))
            << ": name one with --chat-template: ";
    list_chat_templates(error);
    return false;
  }
  const u32 end = tokenizer_.end_token();
  chat_ = Chat(style, end == Tokenizer::kNone ? Text() : tokenizer_.piece(end));
  chat_end_ = tokenizer_.find(chat_.end());
  if (chat_end_ == Tokenizer::kNone) add_stop(chat_.end());
  return error.empty();
}

// ---- What is said to the model ------------------------------------------------------------------

bool Generator::take_prompt(Text prompt, Error& error) {
  List<u32> tokens;
  bool fits = tokenizer_.encode(prompt, {.begin = true, .special = settings_->special}, tokens);
  // A model without a beginning needs something to begin with.
  if (fits && tokens.empty()) fits = tokens.add(tokenizer_.begin_token());
  if (!fits) {
    error << "prompt: not enough memory for " << prompt.size << " bytes: give a shorter one";
    return false;
  }
  return take_tokens(tokens, error);
}

bool Generator::take_tokens(const List<u32>& tokens, Error& error) {
  if (tokens.size() > window_.capacity()) {
    error << "prompt: " << tokens.size() << " tokens do not fit into the context of "
          << window_.capacity() << ": give a shorter one";
    return false;
  }
  window_.clear();
  sampler_.start();
  keep_ = tokens[0] == tokenizer_.begin_token() ? 1 : 0;
  return fill_window(tokens, error);
}

bool Generator::take_turn(Text message, Error& error) {
  List<u32> tokens;
  if (!encode_turn(message, tokens)) {
    error << "message: not enough memory for " << message.size << " bytes: give a shorter one";
    return false;
  }
  return make_room(tokens.size(), error) && fill_window(tokens, error);
}

// The first turn begins with what is kept for ever.
bool Generator::encode_turn(Text message, List<u32>& tokens) {
  MarkedText turn;
  List<u32> kept;
  if (!chat_.open_turn(as_text(settings_->system), message, turn)) return false;
  Encode how{.begin = window_.size() == 0, .special = true, .written = turn.written()};
  if (!tokenizer_.encode(turn.text(), how, tokens)) return false;
  if (!how.begin) return true;
  sampler_.start();
  const Text system = turn.text().first(chat_.system_bytes());
  if (!tokenizer_.encode(system, how, kept)) return false;
  for (keep_ = 0; keep_ < min(kept.size(), tokens.size()) && kept[keep_] == tokens[keep_];) ++keep_;
  return true;
}

bool Generator::make_room(u64 tokens, Error& error) {
  const u64 least = tokens + (window_.size() == 0 ? 0 : keep_);
  if (least > window_.capacity()) {
    error << "message: " << least << " tokens do not fit into the context of " << window_.capacity()
          << ": give a shorter one";
    return false;
  }
  while (window_.size() + tokens > window_.capacity()) {
    if (!shifts()) {
      error << "message: the context is full: /new begins a new conversation";
      return false;
    }
    window_.shift(keep_);
  }
  return true;
}

bool Generator::fill_window(const List<u32>& tokens, Error& error) {
  bool fits = true;
  for (u64 i = 0; i < tokens.size(); ++i) {
    fits = fits && window_.add(tokens[i]);
    sampler_.accept(tokens[i]);
  }
  if (!fits) error << "prompt: not enough memory for " << tokens.size() << " tokens";
  return fits;
}

// A story that nobody gave a length is over when the context is full.
bool Generator::shifts() const {
  return settings_->context_shift && (chats() || settings_->has_tokens);
}

void Generator::forget() {
  window_.clear();
  chat_.forget();
}

// ---- What the model says ------------------------------------------------------------------------

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

bool Generator::go_on(bool at_start, Interruptor* interruptor, Statistics& story, Error& error) {
  if (has_grammar_ && !filter_.start()) {
    error << "grammar: not enough memory to begin a text";
    return false;
  }
  const u64 read_before = window_.tokens_read();
  const u64 start = bf_clock_ns();
  const float* logits = settings_->tokens == 0 ? nullptr : window_.read(interruptor);
  story.prompt_tokens = window_.tokens_read() - read_before;
  story.prompt_ns = bf_clock_ns() - start;
  // To a grammar a space in front is part of the text.
  TextStream stream(tokenizer_, at_start && !has_grammar_, as_text(stops_), transcript_);
  const bool written = write_on(logits, stream, interruptor, story, error);
  stream.finish();
  story.generate_ns = bf_clock_ns() - start - story.prompt_ns;
  return written;
}

bool Generator::write_on(const float* logits, TextStream& stream, Interruptor* interruptor,
                         Statistics& story, Error& error) {
  const u64 most = chats() && !settings_->has_tokens ? window_.capacity() : settings_->tokens;
  bool ended = false;
  ProgressLine progress;
  while (logits != nullptr && !ended) {
    u32 token;
    if (!choose(logits, token, error)) return false;
    ended = tokenizer_.ends_sequence(token) || token == chat_end_;
    sampler_.accept(token);
    if (!window_.add(token)) {
      error << "context: not enough memory for one more token";
      return false;
    }
    if (ended || (has_grammar_ && !filter_.accept(token))) break;
    progress.show(++story.generated_tokens);
    if (stream.put(token)) {
      ended = stream.stop() == chat_.end();
      break;
    }
    const bool full = window_.size() > window_.capacity();
    if (story.generated_tokens == most || (full && !shifts())) break;
    if (interruptor != nullptr && interruptor->interrupted()) break;
    if (full) window_.shift(keep_);
    logits = window_.read(interruptor);
  }
  if (story.generated_tokens > 0) progress.show(story.generated_tokens, true);
  chat_.close_answer(ended);
  return true;
}

void Generator::say(Text text) {
  if (!text.empty()) bf_write(BF_STREAM_TEXT, text.data, text.size);
  if (transcript_ != nullptr) transcript_->add(text);
}

bool Generator::respond(Text text, Interruptor* interruptor, Error& error) {
  if (!(chats() ? take_turn(text, error) : take_prompt(text, error))) return false;
  if (!chats()) say(text);
  else if (transcript_ != nullptr) {
    transcript_->add("> ");
    transcript_->add(text);
    transcript_->add("\n");
  }
  return write_story(text.empty() && !chats(), interruptor, error);
}

bool Generator::continue_tokens(Text ids, Error& error) {
  List<u32> tokens;
  if (!read_ids(ids, model_.shape.vocabulary, tokens, error) || !take_tokens(tokens, error))
    return false;
  TextStream stream(tokenizer_, true, {});
  for (u64 i = 0; i < tokens.size(); ++i) stream.put(tokens[i]);
  stream.finish();
  return write_story(false, nullptr, error);
}

// What follows, the end of its line, and what it took.
bool Generator::write_story(bool at_start, Interruptor* interruptor, Error& error) {
  Statistics story;
  const bool told = go_on(at_start, interruptor, story, error);
  say("\n");  // always, as llama2.c does
  if (!told) return false;

  totals_.add(story);
  Message line;
  line << "stats: ";
  story.describe(line);
  line << "\n";
  line.write(BF_STREAM_LOG);
  return true;
}

}  // namespace inference
