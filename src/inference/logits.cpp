#include "inference/logits.h"

#include "inference/gguf.h"
#include "inference/model.h"
#include "inference/token_ids.h"
#include "inference/tokenizer.h"
#include "inference/transformer.h"

namespace inference {

namespace {

bool encode(const Gguf& file, u64 vocabulary, Text prompt, bool special, List<u32>& tokens,
            Error& error) {
  Tokenizer tokenizer;
  if (!tokenizer.load(file, vocabulary, error)) return false;
  if (!tokenizer.encode(prompt, {.begin = true, .special = special}, tokens)) {
    error << "prompt: not enough memory for " << prompt.size << " bytes: give a shorter one";
    return false;
  }
  if (tokens.empty()) error << "logits: the prompt has no tokens: give a text";
  return !tokens.empty();
}

void describe(u64 tokens, u64 ns) {
  Message line;
  line << "logits: " << tokens << " tokens in " << Decimal{static_cast<double>(ns) / 1e6, 1}
       << " ms\n";
  line.write(BF_STREAM_LOG);
}

}  // namespace

bool write_logits(MutableBytes model_memory, Text prompt, Text ids, const Settings& settings,
                  Error& error) {
  if (bf_listens(BF_STREAM_LOGITS) == 0) {
    error << "logits: there is no place for them: name one (host: --logits FILE)";
    return false;
  }
  Gguf file;
  Model model;
  List<u32> tokens;
  if (!file.parse(model_memory, error) || !model.load(file, model_memory, error)) return false;
  const u64 vocabulary = model.shape.vocabulary;
  const bool known = ids.data == nullptr
                         ? encode(file, vocabulary, prompt, settings.special, tokens, error)
                         : read_ids(ids, vocabulary, tokens, error);
  if (!known) return false;

  TransformerOptions options = settings.transformer;
  if (options.context == 0) options.context = tokens.size();
  Transformer transformer;
  if (!transformer.prepare(model, options, error)) return false;
  if (tokens.size() > transformer.context()) {
    error << "logits: " << tokens.size() << " tokens do not fit into the context of "
          << transformer.context() << ": give fewer";
    return false;
  }
  const u64 start = bf_clock_ns();
  for (u64 done = 0; done < tokens.size();) {
    const u64 count = min(tokens.size() - done, transformer.batch());
    transformer.read(tokens.data() + done, count, done);
    for (u64 i = 0; i < count; ++i)
      bf_write(BF_STREAM_LOGITS, transformer.logits(i), vocabulary * sizeof(float));
    done += count;
  }
  describe(tokens.size(), bf_clock_ns() - start);
  return true;
}

}  // namespace inference
