// The program ABI: everything the inference program may ask of the world.
//
// `src/inference/` is compiled against this header alone. Lowered to BareFlow IR, the functions
// below become imports that the runtime binds by name; compiled natively, they are plain C
// functions that the host links in. A call that is not on this list cannot be made.
//
// Every function is safe to call from any core, except where its comment says otherwise.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Memory -------------------------------------------------------------------------------

// `bytes` of zeroed memory, aligned to 64 bytes; null where there is not that much left.
void* bf_alloc(uint64_t bytes);

// Gives back what bf_alloc or bf_take_blob returned. Null is allowed.
void bf_free(void* memory);

// ---- Console ------------------------------------------------------------------------------

enum BfStream {
  BF_STREAM_TEXT = 0,  // the product: prompt and generated text, nothing else
  BF_STREAM_LOG = 1,   // everything that is said about the work: progress, statistics, errors
  BF_STREAM_LOGITS = 2,  // floats, where somebody asked for them
  BF_STREAM_STATUS = 3,  // each write is all of what the console's status line shall say of the program
};

// Writes `count` bytes (UTF-8, '\n' line ends) to a stream, in order, without waiting for a
// reader that is not there.
void bf_write(int32_t stream, const void* bytes, uint64_t count);

// Whether somebody listens to a stream; what is written to one that nobody listens to is lost.
int32_t bf_listens(int32_t stream);

// Reads up to `capacity` bytes of console input, blocking until there is at least one.
// Returns how many; 0 is the end of the input. Bytes come unedited: line editing is the program's.
uint64_t bf_read(void* buffer, uint64_t capacity);

// Whether at least one byte of input (or its end) can be had from bf_read without blocking.
int32_t bf_read_ready(void);

// ---- Named blobs --------------------------------------------------------------------------

// The bytes of a named, read-only blob and its size in `*bytes`; null where there is none of
// that name. Blobs stay valid and unchanged until the program ends, but for "stats"
// and "columns".
//
//   "model"    the GGUF file
//   "options"  the program's options, one `key=value` a line (keys as in docs/options.md)
//   "prompt"   the text to continue; absent where none was given
//   "tokens"   token ids to continue instead of a text; absent where none were given
//   "tokenize" a text whose token ids are wanted instead of a story; else absent
//   "columns"  how wide the console is, as a decimal number; of several the narrowest. Made anew at each
//              call, absent where nobody knows
//   "stats"    a page of text about the engine as it is now (tiers, code size, hot functions);
//              made anew at each call, valid until the next
const void* bf_blob(const char* name, uint64_t name_bytes, uint64_t* bytes);

// The same bytes as writable memory that belongs to the program from now on, until it gives them back
// (bf_free) or ends; aligned to 64 bytes. From then on bf_blob finds nothing of that name. A big file is
// in memory once: read it with bf_blob before, or take it, but do not do both.
//
// Null with 0 bytes where there is no blob of that name (or it is "options" or "stats", which are
// not for taking), null with its size where there is not enough memory.
//
//   uint64_t bytes;
//   auto* file = (uint8_t*)bf_take_blob("model", 5, &bytes);
void* bf_take_blob(const char* name, uint64_t name_bytes, uint64_t* bytes);

// ---- Clock and chance ---------------------------------------------------------------------

// Nanoseconds since some fixed point before the program started; never goes back.
uint64_t bf_clock_ns(void);

// An unpredictable 64-bit number, for seeding a generator when the user gave no seed.
uint64_t bf_random_seed(void);

// ---- Cores --------------------------------------------------------------------------------

// Runs `body(context, first, last)` over disjoint ranges that together cover [begin, end), on as
// many cores as there are, and returns when all are done. Ranges start at multiples of `grain`
// above `begin`. A body must not call bf_parallel_for.
typedef void (*BfParallelBody)(void* context, uint64_t first, uint64_t last);
void bf_parallel_for(uint64_t begin, uint64_t end, uint64_t grain, BfParallelBody body,
                     void* context);

// How many cores take part, and which of them asks, from 0 to bf_core_count() - 1: a body may have
// scratch memory for each.
uint32_t bf_core_count(void);
uint32_t bf_core_index(void);

// ---- Words ---------------------------------------------------------------------------------

// What the program says of itself to a word.
struct BfAbout {
  const char* model;  // what the model is, in lines
  uint64_t model_bytes;
  const char* conversation;  // what has been said, as a text
  uint64_t conversation_bytes;
  uint64_t weights_bytes;  // of memory that came from bf_take_blob
  uint64_t cache_bytes;    // of bf_alloc's, for keys and values
  uint64_t working_bytes;  // of bf_alloc's, for all that is computed
};

enum BfCommandResult {
  BF_COMMAND_UNKNOWN = 0,  // there is no such word
  BF_COMMAND_DONE = 1,     // what there was to say has been said
  // Another model is wanted: the program gives up all that it has of its model, gives the blob back,
  // and takes "model" again. If it cannot use what it gets, it gives that back, too, and takes what
  // there is then: the model before, or one that a person has chosen; in the end, null.
  BF_COMMAND_TAKE_MODEL = 2,
  // The program says what it has to say to the text behind the word, asks bf_command with an empty
  // line between two tokens, and hands the line over again when it is done.
  BF_COMMAND_TELL = 3,
};

// Hands on a line with a word ("/mem") that the program does not know: it is about the machine. What
// the word shows goes to the text stream. "/help" lists all such words, a line each.
int32_t bf_command(const char* line, uint64_t line_bytes, const struct BfAbout* about);

// ---- Failure ------------------------------------------------------------------------------

// A bug in the program: writes the message to the log and stops everything. Never returns.
[[noreturn]] void bf_abort(const char* message, uint64_t message_bytes);

// ---- What the program exports --------------------------------------------------------------

// Runs the program to its end; the result is the exit status (0 is success).
int32_t bf_main(void);

#ifdef __cplusplus
}
#endif
