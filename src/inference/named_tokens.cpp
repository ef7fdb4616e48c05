#include "inference/named_tokens.h"

#include "inference/tokenizer.h"

namespace inference {

namespace {

enum Role : u32 { Shown, End, Prefix, Suffix, Middle, Padding, Repository, File };

struct Name {
  Role role;
  Text text;
};
constexpr Name kNames[] = {
#define SPECIAL_NAME(role, text) {role, text},
#define SPECIAL_ROLE(role, key, older_key, ends)
#include "inference/special_names.def"
};

struct RoleFacts {
  Role role;
  Text keys[2];
  bool ends;
};
constexpr RoleFacts kRoles[] = {
#define SPECIAL_NAME(role, text)
#define SPECIAL_ROLE(role, key, older_key, ends) {role, {key, older_key}, ends},
#include "inference/special_names.def"
};

}  // namespace

bool NamedTokens::load(const Gguf& file, const Tokenizer& tokenizer) {
  for (const Name& name : kNames) {
    if (name.role != Shown && name.role != End) continue;
    const u32 token = tokenizer.find(name.text);
    const bool ends = name.role == End;
    if (token != Tokenizer::kNone &&
        !rows_.add({token, ends ? TokenType::Control : TokenType::UserDefined, ends}))
      return false;
  }
  for (u32 role = 0; role < sizeof kRoles / sizeof kRoles[0]; ++role)
    if (!add_role(file, tokenizer, role)) return false;
  find_divider(tokenizer);
  return true;
}

// The token that the file names, which keeps its type; or else all that have a name for it.
bool NamedTokens::add_role(const Gguf& file, const Tokenizer& tokenizer, u32 role) {
  const RoleFacts& facts = kRoles[role];
  u64 token = Tokenizer::kNone;
  for (const Text key : facts.keys)
    if (u64 value; !key.empty() && file.find_integer(key, value) && value < tokenizer.size())
      token = value;
  if (token != Tokenizer::kNone) {
    const u32 named = static_cast<u32>(token);
    return rows_.add({named, tokenizer.type(named), facts.ends});
  }
  for (const Name& name : kNames) {
    if (name.role != facts.role) continue;
    const u32 found = tokenizer.find(name.text);
    if (found != Tokenizer::kNone && !rows_.add({found, TokenType::Control, facts.ends}))
      return false;
  }
  return true;
}

// A vocabulary that has these for the ends of turns (gpt-oss, Solar) divides messages by "<|end|>".
void NamedTokens::find_divider(const Tokenizer& tokenizer) {
  const auto has = [&](Text name) { return tokenizer.find(name) != Tokenizer::kNone; };
  const bool calls = has("<|call|>") || has("<|calls|>");
  if (calls && (has("<|return|>") || has("<|flush|>"))) divider_ = tokenizer.find("<|end|>");
}

const NamedTokens::Row* NamedTokens::find(u32 token) const {
  for (u64 i = 0; i < rows_.size(); ++i)
    if (rows_[i].token == token) return &rows_[i];
  return nullptr;
}

bool NamedTokens::ends(u32 token) const {
  for (u64 i = 0; i < rows_.size(); ++i)
    if (rows_[i].token == token && rows_[i].ends) return true;
  return false;
}

}  // namespace inference
