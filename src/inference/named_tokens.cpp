#include "inference/named_tokens.h"

#include "inference/tokenizer.h"

namespace inference {

namespace {

enum Role : u32 { Shown, End, Prefix, Suffix, Middle, Padding, Repository, File };
constexpr u32 kRoles = File + 1;

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
constexpr RoleFacts kRoleFacts[] = {
#define SPECIAL_NAME(role, text)
#define SPECIAL_ROLE(role, key, older_key, ends) {role, {key, older_key}, ends},
#include "inference/special_names.def"
};

// What the file says that has the role.
u32 given_token(const Gguf& file, const Tokenizer& tokenizer, const RoleFacts& facts) {
  u32 token = Tokenizer::kNone;
  for (const Text key : facts.keys)
    if (u64 value; !key.empty() && file.find_integer(key, value) && value < tokenizer.size())
      token = static_cast<u32>(value);
  return token;
}

}  // namespace

bool NamedTokens::load(const Gguf& file, const Tokenizer& tokenizer) {
  u32 given[kRoles];
  for (u32& token : given) token = Tokenizer::kNone;
  bool ends[kRoles] = {};
  ends[End] = true;
  for (const RoleFacts& facts : kRoleFacts) {
    given[facts.role] = given_token(file, tokenizer, facts);
    ends[facts.role] = facts.ends;
  }
  for (const Name& name : kNames) {
    if (given[name.role] != Tokenizer::kNone) continue;
    const u32 token = tokenizer.find(name.text);
    const TokenType type = name.role == Shown ? TokenType::UserDefined : TokenType::Control;
    if (token != Tokenizer::kNone && !rows_.add({token, type, ends[name.role]})) return false;
  }
  // These keep their types, unless one of the names is theirs.
  for (u32 role = 0; role < kRoles; ++role)
    if (const u32 token = given[role]; token != Tokenizer::kNone)
      if (!rows_.add({token, tokenizer.type(token), ends[role]})) return false;
  find_divider(tokenizer);
  return true;
}

// A vocabulary that has these for the ends of turns (gpt-oss, Solar) divides messages by "<|end|>".
void NamedTokens::find_divider(const Tokenizer& tokenizer) {
  const u32 token = tokenizer.find("<|end|>");
  if (token == Tokenizer::kNone) return;
  const auto has = [&](Text name) { return tokenizer.find(name) != Tokenizer::kNone; };
  const bool calls = has("<|call|>") || has("<|calls|>");
  if (calls && (has("<|return|>") || has("<|flush|>"))) divider_ = token;
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
