// The named blobs that platform::blob() gives out.
#pragma once

#include <span>
#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

// Makes bytes known under a name; a later blob of the same name replaces the former. The bytes
// must stay; the name is copied. False if there are too many blobs or the name is too long.
bool add_blob(std::string_view name, std::span<const u8> bytes);

// Gives a blob another name; false if there is none, or the new name is too long.
bool rename_blob(std::string_view name, std::string_view new_name);

struct Blob {
  char name[24];
  std::span<const u8> bytes;
};
std::span<const Blob> all_blobs();

}  // namespace bf::x86
