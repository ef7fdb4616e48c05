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
  const Bytes prompt = find_blob("prompt"), ids = find_blob("tokens");
  if (settings.bench) return bench(model, settings, error) ? kSuccess : fail(error, kBadModel);
  if (settings.logits) {
    const bool written = write_logits(model, as_text(prompt), as_text(ids), settings, error);
    return written ? kSuccess : fail(error, kBadModel);
  }

  Generator generator;
  if (!generator.load(model, settings, error)) return fail(error, kBadModel);
  if (ids.data != nullptr)
    return generator.continue_tokens(as_text(ids), error) ? kSuccess : fail(error, kBadUse);

  const bool begins = prompt.data != nullptr || !settings.chat;
  if (begins && !generator.respond(as_text(prompt), nullptr, error)) return fail(error, kBadUse);
  if (prompt.data != nullptr) return kSuccess;
  if (!settings.interactive) return tell_lines(generator) ? kSuccess : kBadUse;
  converse(generator);
  return kSuccess;
}

}  // namespace

}  // namespace inference

extern "C" int32_t bf_main(void) {
  return inference::run();
}
