// The line that is being typed.
#include <catch2/catch.hpp>

#include "../support/loaded_model.h"
#include "inference/edit_line.h"

using inference::EditLine;
using test::as_string;

TEST_CASE("editing moves by characters, not bytes") {
  EditLine line;
  line.set("a\u00e9\u4e16b");
  CHECK(line.columns(0, line.text().size) == 5);  // \u4e16 takes two
  line.left();
  line.left();
  CHECK(line.insert("x"));
  CHECK(as_string(line.text()) == "a\u00e9x\u4e16b");
  line.erase_at();
  CHECK(as_string(line.text()) == "a\u00e9xb");
  line.erase_before();
  line.erase_before();
  CHECK(as_string(line.text()) == "ab");
  line.home();
  line.left();
  line.erase_before();
  CHECK(line.insert(">"));
  line.end();
  line.right();
  line.erase_at();
  CHECK(as_string(line.text()) == ">ab");
}

TEST_CASE("words and ends can be erased") {
  EditLine line;
  line.set("one two  three");
  line.erase_word();
  CHECK(as_string(line.text()) == "one two  ");
  line.erase_word();
  CHECK(as_string(line.text()) == "one ");
  line.left();
  line.erase_to_end();
  CHECK(as_string(line.text()) == "one");
  line.left();
  line.erase_to_start();
  CHECK(as_string(line.text()) == "e");
  line.erase_word();
  CHECK(as_string(line.text()) == "e");
  line.erase_to_end();
  CHECK(as_string(line.text()) == "");
}

TEST_CASE("a line that is full takes no more") {
  EditLine line;
  for (inference::u64 i = 0; i < EditLine::kCapacity + 5; ++i)
    CHECK(line.insert("y") == (i < EditLine::kCapacity));
  CHECK(line.text().size == EditLine::kCapacity);
}
