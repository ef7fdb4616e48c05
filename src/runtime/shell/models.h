// The word /model: which models there are, and from one to another while the program runs.
//
//   shell::set_model_shelf(shelf);               // the platform's; without one, the word is not there
//
// How a change goes: `/model 2` finds the second of the shelf and asks the program to take "model"
// again (program_abi.h). The program gives the old one's memory back first, so that there is room for
// both to have been there, one after the other. When it takes the blob, bring_model() puts the wanted
// one there; if that cannot be read, or the program comes back because it is none, the one before; if
// that is gone as well, a person chooses.
#pragma once

#include <span>
#include <vector>

#include "runtime/base.h"
#include "runtime/text.h"

namespace bf::shell {

struct ShelfModel {
  Text name;   // "tiny.gguf", with its folder where it is in one
  Text place;  // "nvme0, partition 1"
  u64 bytes = 0;
  bool in_use = false;
  u64 number = 0;  // the platform's own
};

// Where a platform's models are.
class ModelShelf {
 public:
  // All there are now, always in the same order where nothing has changed.
  virtual std::vector<ShelfModel> list() = 0;
  // Reads one of them: from then on it is the blob "model".
  virtual Result<void> put(const ShelfModel& model) = 0;
  // The memory of a blob that put() made, or that was there at the start; it has been taken.
  virtual void give_back(u8* memory, usize bytes) = 0;

 protected:
  ~ModelShelf() = default;
};

// Null takes the word away. The shelf must outlive the program.
void set_model_shelf(ModelShelf* shelf);

// For bf_take_blob and bf_free, in this order: makes sure that the blob is there, if it was asked for
// before; notes that it is the program's; takes it back (false: that memory is none of a model).
void bring_model();
void model_taken(u8* memory, usize bytes);
bool give_back_model(void* memory);

// "  1  tiny.gguf, 637 MiB, on nvme0, partition 1", a line for each.
void write_models(Text& out, std::span<const ShelfModel> models);
// The one that a person means by a number of that list, or by a name or its last part, whatever the
// case of its letters; null if there is none, or `ambiguous`.
const ShelfModel* find_model(std::span<const ShelfModel> models, std::string_view wish,
                             bool& ambiguous);
// What is behind the last slash.
std::string_view last_part(std::string_view path);
// Shows them under a title and asks for one: its number, from 1 on, as ask_number gives it.
usize ask_which(std::string_view title, std::span<const ShelfModel> models);
// A number from 1 to `most` and Enter, asked for on the text stream; 0 at the end of the input. Enter
// alone is 1.
usize ask_number(usize most);

}  // namespace bf::shell
