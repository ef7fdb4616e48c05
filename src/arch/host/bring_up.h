// The parts of the host platform that bring_up() puts together; one source file each.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base.h"

namespace bf::host {

// blobs.cpp: makes a file or a text known as a blob; the last one of a name wins.
Result<void> map_blob(const std::string& name, const std::string& file);
void add_blob(const std::string& name, const std::string& text);
// The file that a blob is; empty if it is none.
std::string blob_path(std::string_view name);

// file_memory.cpp: the whole file in memory of its own, which lies in huge pages where it is big;
// says on the log how far it is where that takes long. Null where there is not enough memory. A
// file that cannot be read ends the process with `cannot_read`'s line.
u8* read_file(int file, usize bytes, const std::string& name, const std::string& path);
Error cannot_read(const std::string& name, const std::string& file, int reason);

// streams.cpp: what is closed of input, text and log leads nowhere, so that no file that is opened
// later gets its number, and with it what is meant for the stream. Before any file is opened.
void open_missing_streams();
// `name` is "profile" or "logits".
Result<void> open_stream(const std::string& name, const std::string& file);
// errno of the first write of text or profile that failed; 0 if none did.
int lost_output();

// processor.cpp: applies the option `isa`.
Result<void> cap_processor();

// cores.cpp: applies the option `threads`. How many processors this process may use, 64 at most.
Result<void> count_cores();
usize processor_count();

// clock.cpp: the zero of clock_ns().
void start_clock();

// terminal.cpp: unedited, unechoed input where the option `interactive` is 1 and standard input is
// a terminal; undone when the process ends, also by a signal.
void start_terminal();
void restore_terminal();
// Whether a person's terminal shows the text, and knows more than to add lines.
bool text_is_on_terminal();

}  // namespace bf::host
