// bf_main: options, model, prompt; then stories, answers, or the ids of a text.
#include "inference/bench.h"
#include "inference/conversation.h"
#include "inference/generator.h"
#include "inference/logits.h"
#include "inference/settings.h"
#include "inference/tokenize.h"

namespace inference {

namespace {

enum ExitStatus : i32 { kSuccess = 0, kBadModel = 1, kBadUse = 2 };

Bytes find_blob(Text name) {
  u64 size = 0;
  const void* data = bf_blob(name.data, name.size, &size);
  return {static_cast<const u8*>(data), size};
}

// The model as memory of the program's own, because its weights are rearranged in place.
bool take_model(MutableBytes& model, Error& error) {
  const Text name = "model";
  model.data = static_cast<u8*>(bf_take_blob(name.data, name.size, &model.size));
  if (model.data != nullptr || model.size == 0)
    return true;  // whoever reads it says if there is none
  error << "model: not enough memory for its " << model.size / (1 << 20)
        << " MiB: give the machine more memory";
  return false;
}

Text as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

i32 fail(const Error& error, ExitStatus status) {
  Message line;
  line << "error: " << error.text() << "\n";
  line.write(BF_STREAM_LOG);
  return status;
}

// Stories, answers or tokens of one model. Another one may be wanted then.
i32 tell(Generator& generator, const Settings& settings, Console& console, u64 weights_bytes,
         bool is_first, Ending& ending) {
  Error error;
  const bool has_console = settings.interactive && console.prepare();
  if (has_console) generator.keep_transcript(console.transcript());
  if (is_first) {
    const Bytes prompt = find_blob("prompt"), ids = find_blob("tokens");
    if (ids.data != nullptr)
      return generator.continue_tokens(as_text(ids), error) ? kSuccess : fail(error, kBadUse);
    const bool begins = prompt.data != nullptr || !settings.chat;
    Interruptor* const interruptor = has_console ? &console.interruptor() : nullptr;
    if (begins && !generator.respond(as_text(prompt), interruptor, error)) return fail(error, kBadUse);
    if (prompt.data != nullptr) return kSuccess;
  }
  if (!settings.interactive) return tell_lines(generator) ? kSuccess : kBadUse;
  if (has_console) ending = converse(generator, console, weights_bytes);
  return kSuccess;
}

// One model after the other: the first must be good, of a later one that is not it is said, and
// there is another one to take (bf_command).
i32 tell_all(MutableBytes model, const Settings& settings) {
  Console console;
  for (bool is_first = true;; is_first = false) {
    Ending ending = Ending::Quit;
    Error error;
    {
      Generator generator;
      if (generator.load(model, settings, error)) {
        const i32 status = tell(generator, settings, console, model.size, is_first, ending);
        if (ending == Ending::Quit) return status;
      } else {
        fail(error, kBadModel);
        if (is_first || model.data == nullptr) return kBadModel;
      }
    }
    bf_free(model.data);
    model = {};
    Error short_memory;
    if (!take_model(model, short_memory)) fail(short_memory, kBadModel);
  }
}

i32 run() {
  Error error;
  Settings settings;
  if (!settings.read(as_text(find_blob("options")), error)) return fail(error, kBadUse);
  if (!settings.has_seed) settings.sampler.seed = bf_random_seed();

  const Bytes document = find_blob("tokenize");
  if (document.data != nullptr) {
    const Encode how{.begin = settings.begin, .end = settings.begin, .special = settings.special};
    if (!tokenize(find_blob("model"), as_text(document), how, error)) return fail(error, kBadModel);
    return kSuccess;
  }

  MutableBytes model;
  if (!take_model(model, error)) return fail(error, kBadModel);
  if (settings.bench) return bench(model, settings, error) ? kSuccess : fail(error, kBadModel);
  if (settings.logits) {
    const Bytes prompt = find_blob("prompt"), ids = find_blob("tokens");
    const bool written = write_logits(model, as_text(prompt), as_text(ids), settings, error);
    return written ? kSuccess : fail(error, kBadModel);
  }

  return tell_all(model, settings);
}

}  // namespace

}  // namespace inference

extern "C" int32_t bf_main(void) {
  return inference::run();
}
