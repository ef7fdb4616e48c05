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
  find_no_ends(tokenizer);
  for (const Name& name : kNames) {
    if (given[name.role] != Tokenizer::kNone) continue;
    const u32 token = tokenizer.find(name.text);
    if (token == Tokenizer::kNone) continue;
    Row row{token, name.role == Shown ? TokenType::UserDefined : TokenType::Control, ends[name.role]};
    if (token == divider_) row = {token, TokenType::UserDefined, false};
    if (token == text_) row = {token, TokenType::Normal, false};
    if (!rows_.add(row)) return false;
  }
  // These keep their types, unless one of the names is theirs.
  for (u32 role = 0; role < kRoles; ++role)
    if (const u32 token = given[role]; token != Tokenizer::kNone)
      if (!rows_.add({token, tokenizer.type(token), ends[role]})) return false;
  return true;
}

// A vocabulary that has others for the ends of turns divides messages by "<|end|>" (gpt-oss, Solar), and
// "</s>" is a text like any other to it (Gemma 4).
void NamedTokens::find_no_ends(const Tokenizer& tokenizer) {
  const auto has = [&](Text name) { return tokenizer.find(name) != Tokenizer::kNone; };
  if (has("<|tool_response>")) text_ = tokenizer.find("</s>");
  const u32 end = tokenizer.find("<|end|>");
  if (end == Tokenizer::kNone) return;
  const bool calls = has("<|call|>") || has("<|calls|>");
  if (calls && (has("<|return|>") || has("<|flush|>"))) divider_ = end;
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
