// bf_main: options, model, prompt; then stories, or the ids of a text.
#include "inference/conversation.h"
#include "inference/generator.h"
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

// The model in memory of the program's own, because its weights are rearranged in place.
bool copy_model(Array<u8>& memory, MutableBytes& model, Error& error) {
  const Bytes blob = find_blob("model");
  if (blob.data == nullptr) return true;  // whoever reads it says so
  if (!memory.allocate(max<u64>(blob.size, 1))) {
    error << "model: not enough memory for its " << blob.size / (1 << 20)
          << " MiB: give the machine more memory";
    return false;
  }
  copy_bytes(memory.data(), blob.data, blob.size);
  model = {memory.data(), blob.size};
  return true;
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
    const Encode how{.begin = settings.begin, .special = settings.special};
    if (!tokenize(find_blob("model"), as_text(document), how, error)) return fail(error, kBadModel);
    return kSuccess;
  }

  Array<u8> memory;
  MutableBytes model;
  Generator generator;
  if (!copy_model(memory, model, error) || !generator.load(model, settings, error)) return fail(error, kBadModel);

  const Bytes prompt = find_blob("prompt");
  if (!generator.tell(as_text(prompt), nullptr, error)) return fail(error, kBadUse);
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
