// Text to module. Function bodies are read twice: first for the names of blocks and values, so that
// a use may stand before its definition, then for the instructions.
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "microjit/ir/text.h"
#include "microjit/ir/verify.h"

namespace bf::ir {

namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Module> run() {
    m_.files.push_back(m_.intern(""));
    declare();
    at_ = 0;
    while (skip_space(), at_ < text_.size() && !failed()) top_level();
    if (failed()) return error();
    if (auto ok = verify(m_); !ok) return ok.error();
    return std::move(m_);
  }

 private:
  // ---- Errors and tokens ----------------------------------------------------------------------

  bool failed() const { return wrong_ != nullptr; }
  void fail(const char* what) {
    if (failed()) return;
    wrong_ = what;
    wrong_at_ = at_;
  }
  Error error() const {
    usize line = 1;
    for (usize i = 0; i < wrong_at_ && i < text_.size(); ++i) line += text_[i] == '\n';
    return Error::format("IR text, line %zu: %s", line, wrong_);
  }

  static bool is_word(char c) {
    return c == '_' || c == '.' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  }
  // Comments: from ';' to the end of the line.
  void skip_space() {
    while (at_ < text_.size()) {
      if (text_[at_] == ';')
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      else if (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r') ++at_;
      else return;
    }
  }
  bool peek(char c) {
    skip_space();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool accept(char c) {
    if (!peek(c)) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (accept(c)) return;
    static char message[] = "expected ' '";
    message[10] = c;
    fail(message);
  }
  std::string_view peek_word() {
    skip_space();
    usize end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  std::string_view word() {
    const auto w = peek_word();
    at_ += w.size();
    if (w.empty()) fail("expected a word");
    return w;
  }
  bool accept_word(std::string_view wanted) {
    if (peek_word() != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  i64 number() {
    skip_space();
    const bool negative = accept('-');
    const std::string digits(word());
    char* end = nullptr;
    const u64 v = std::strtoull(digits.c_str(), &end, 0);
    if (digits.empty() || *end) fail("expected a number");
    return static_cast<i64>(negative ? 0 - v : v);
  }
  std::string quoted() {
    std::string s;
    expect('"');
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 2 < text_.size()) {
        s.push_back(static_cast<char>(std::strtoul(std::string(text_.substr(at_ + 1, 2)).c_str(), nullptr, 16)));
        at_ += 3;
      } else {
        s.push_back(text_[at_++]);
      }
    }
    expect('"');
    return s;
  }
  std::string symbol() {
    expect('@');
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    usize end = at_;
    while (end < text_.size() && (is_word(text_[end]) || text_.substr(end, 2) == "::")) end += text_[end] == ':' ? 2 : 1;
    std::string s(text_.substr(at_, end - at_));
    at_ = end;
    if (s.empty()) fail("expected a name after @");
    return s;
  }
  Kind kind_named(std::string_view name) {
    for (u32 k = 1; k < kKindCount; ++k)
      if (name == kKindNames[k]) return static_cast<Kind>(k);
    fail("no such type");
    return Kind::I32;
  }
  Type type() {
    const auto w = word();
    const usize x = w.find('x', 1);
    if (x == w.npos) return {kind_named(w), 1};
    const int lanes = std::atoi(std::string(w.substr(x + 1)).c_str());
    const Type t{kind_named(w.substr(0, x)), static_cast<u8>(lanes)};
    if (lanes < 2 || lanes > 64 || !t.valid()) fail("no such vector type");
    return failed() ? Type{Kind::I32} : t;
  }
  std::vector<Kind> kinds() {
    std::vector<Kind> list;
    expect('(');
    if (accept(')')) return list;
    do list.push_back(kind_named(word()));
    while (accept(',') && !failed());
    expect(')');
    return list;
  }
  void parameters(FunctionType& t) {
    expect('(');
    if (accept(')')) return;
    do {
      if (accept_word("...")) {
        t.variadic = true;
        break;
      }
      if (!accept('[')) {
        t.parameters.push_back(kind_named(word()));
        continue;
      }
      ByValue& v = t.by_value.emplace_back();
      v.parameter = size32(t.parameters);
      v.bytes = static_cast<u32>(number());
      if (accept_word("align")) v.align_log2 = log2_of(number());
      expect(']');
      t.parameters.push_back(Kind::Ptr);
    } while (accept(',') && !failed());
    expect(')');
  }
  FunctionType function_type() {
    FunctionType t;
    parameters(t);
    if (accept('-')) {
      expect('>');
      t.results = kinds();
    }
    return t;
  }

  // ---- The top level --------------------------------------------------------------------------

  // Names of functions, data and imports first, so that they may be used before they come.
  void declare() {
    while (skip_space(), at_ < text_.size() && !failed()) {
      const auto w = word();
      if (w == "func") {
        Function f;
        f.index = static_cast<u32>(m_.functions.size());
        const std::string name = symbol();
        f.name = m_.intern(name);
        f.type = m_.intern_type(function_type());
        if (!symbols_.emplace(name, Symbol{Target::Function, f.index}).second) fail("defined twice");
        m_.functions.push_back(std::move(f));
        skip_to('{');
        skip_to('}');
      } else if (w == "data") {
        declare_symbol(Target::Data, m_.data.size());
        m_.data.emplace_back();
        skip_line();
      } else if (w == "import") {
        declare_symbol(Target::Import, m_.imports.size());
        m_.imports.emplace_back();
        skip_line();
      } else if (w == "file") {
        skip_line();
      } else {
        fail("expected func, data, import or file");
      }
    }
  }
  void declare_symbol(Target target, usize index) {
    if (!symbols_.emplace(symbol(), Symbol{target, static_cast<u32>(index)}).second)
      fail("defined twice");
  }
  void skip_line() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
  void skip_to(char c) {
    while (at_ < text_.size() && text_[at_] != c) {
      if (text_[at_] == '"') quoted();
      else if (text_[at_] == ';') skip_line();
      else ++at_;
    }
    expect(c);
  }

  void top_level() {
    const auto w = word();
    if (w == "file") {
      number();
      m_.files.push_back(m_.intern(quoted()));
    } else if (w == "import") {
      Import& i = m_.imports[symbols_[peek_symbol()].index];
      i.name = m_.intern(symbol());
      i.is_data = accept_word("data");
      i.type = m_.intern_type(i.is_data ? FunctionType{} : function_type());
      i.is_weak = accept_word("weak");
    } else if (w == "data") {
      data();
    } else {
      function();
    }
  }
  std::string peek_symbol() {
    skip_space();
    const usize before = at_;
    std::string s = symbol();
    at_ = before;
    return s;
  }

  void data() {
    const std::string name = symbol();
    Data& d = m_.data[symbols_[name].index];
    d.name = m_.intern(name);
    d.writable = accept_word("writable");
    d.align_log2 = accept_word("align") ? log2_of(number()) : 0;
    if (accept_word("size")) d.size = static_cast<u64>(number());
    if (accept('=')) {
      const std::string bytes = quoted();
      d.bytes.assign(bytes.begin(), bytes.end());
      if (d.size == 0) d.size = d.bytes.size();
    }
    while (accept_word("at") && !failed()) {
      Relocation r;
      r.offset = static_cast<u64>(number());
      const auto s = lookup(symbol());
      r.target = s.target;
      r.index = s.index;
      if (accept('+')) r.addend = number();
      if (d.bytes.size() < r.offset + 8 && r.offset + 8 <= d.size) d.bytes.resize(r.offset + 8);
      d.relocations.push_back(r);
    }
  }
  u32 log2_of(i64 n) {
    if (n <= 0 || (n & (n - 1))) fail("an alignment is a power of two");
    return failed() ? 0 : static_cast<u32>(__builtin_ctzll(static_cast<u64>(n)));
  }

  struct Symbol {
    Target target = Target::Data;
    u32 index = 0;
  };
  Symbol lookup(const std::string& name) {
    const auto it = symbols_.find(name);
    if (it == symbols_.end()) {
      fail("no such name");
      return {};
    }
    return it->second;
  }
  u32 lookup(const std::string& name, Target target) {
    const Symbol s = lookup(name);
    if (!failed() && s.target != target) fail("a name of another kind");
    return s.index;
  }

  // ---- Functions ------------------------------------------------------------------------------

  void function() {
    f_ = &m_.functions[lookup(symbol(), Target::Function)];
    function_type();
    f_->exported = accept_word("export");
    for (bool more = true; more && !failed();) {
      if (accept_word("kernel")) f_->flags |= kKernel;
      else if (accept_word("reassoc")) f_->flags |= kReassoc;
      else if (accept_word("cold")) f_->flags |= kCold;
      else if (accept_word("growstack")) f_->flags |= kGrowsStack;
      else if (accept_word("specialise")) f_->specialise = static_cast<u64>(number());
      else more = false;
    }
    expect('{');
    value_names_.clear();
    block_names_.clear();
    const usize body = at_;
    find_definitions();
    at_ = body;
    while (!failed() && !accept('}')) line();
    close_block();
  }

  // First reading: blocks with their arguments, then everything "%x: type =".
  void find_definitions() {
    const usize body = at_;
    while (!failed() && !accept('}')) {
      const auto w = peek_word();
      const usize before = at_;
      if (is_block_name(w)) {
        at_ += w.size();
        if (peek('(') || peek(':')) {
          block_header(w);
          continue;
        }
        at_ = before;
      }
      skip_line_of_body();
    }
    at_ = body;
    while (!failed() && !accept('}')) {
      if (accept('%')) {
        const std::string name(word());
        expect(':');
        define(name, {type(), Def::Instruction, 0, 0});
      }
      skip_line_of_body();
    }
  }
  static bool is_block_name(std::string_view w) {
    if (w.size() < 2 || w[0] != 'b') return false;
    for (const char c : w.substr(1))
      if (c < '0' || c > '9') return false;
    return true;
  }
  void skip_line_of_body() {
    while (at_ < text_.size() && text_[at_] != '\n') {
      if (text_[at_] == '"') quoted();
      else ++at_;
    }
    if (at_ == text_.size()) fail("a function without an end");
  }
  void block_header(std::string_view name) {
    const BlockId id = size32(f_->blocks);
    if (!block_names_.emplace(std::string(name), id).second) fail("a block defined twice");
    Block b;
    b.first_argument = size32(f_->values);
    if (accept('(')) {
      do {
        expect('%');
        const std::string argument(word());
        expect(':');
        define(argument, {type(), Def::BlockArgument, id, 0});
        ++b.argument_count;
      } while (accept(',') && !failed());
      expect(')');
    }
    expect(':');
    f_->blocks.push_back(b);
  }
  void define(const std::string& name, const Value& v) {
    if (!value_names_.emplace(name, size32(f_->values)).second) fail("a value defined twice");
    f_->values.push_back(v);
  }
  template <class T>
  static u32 size32(const std::vector<T>& v) {
    return static_cast<u32>(v.size());
  }

  // Second reading.
  void line() {
    const auto w = peek_word();
    if (is_block_name(w)) {
      close_block();
      at_ += w.size();
      open_block_ = static_cast<i64>(block_names_[std::string(w)]);
      f_->blocks[static_cast<usize>(open_block_)].first_instruction = size32(f_->instructions);
      if (accept('('))
        while (!failed() && !accept(')')) ++at_;
      expect(':');
      return;
    }
    if (open_block_ < 0) fail("an instruction before the first block");
    instruction();
  }
  void close_block() {
    if (open_block_ < 0) return;
    Block& b = f_->blocks[static_cast<usize>(open_block_)];
    b.instruction_count = size32(f_->instructions) - b.first_instruction;
    open_block_ = -1;
  }

  void instruction() {
    Instruction i;
    if (accept('%')) {
      i.result = value_names_[std::string(word())];
      expect(':');
      i.type = type();
      expect('=');
      f_->values[i.result].index = size32(f_->instructions);
    }
    const auto w = word();
    bool found = false;
    for (u32 op = 0; op < kOpCount && !found; ++op)
      if (op_name(static_cast<Op>(op)) == w) {
        i.op = static_cast<Op>(op);
        found = true;
      }
    if (!found) return fail("no such operation");
    std::vector<u32> operands;
    std::vector<std::pair<BlockId, std::vector<u32>>> jumps;
    arguments(i, operands, jumps);
    if (accept('!')) {
      const u32 file = static_cast<u32>(number());
      expect(':');
      i.location = file << 20 | static_cast<u32>(number());
    }
    i.first_operand = size32(f_->operands);
    i.operand_count = static_cast<u16>(operands.size());
    f_->operands.insert(f_->operands.end(), operands.begin(), operands.end());
    i.first_edge = size32(f_->edges);
    i.edge_count = static_cast<u32>(jumps.size());
    for (const auto& [block, values] : jumps) {
      f_->edges.push_back({block, size32(f_->operands), size32(values)});
      f_->operands.insert(f_->operands.end(), values.begin(), values.end());
    }
    f_->instructions.push_back(i);
  }

  using Jumps = std::vector<std::pair<BlockId, std::vector<u32>>>;

  void arguments(Instruction& i, std::vector<u32>& operands, Jumps& jumps) {
    switch (op_info(i.op).signature) {
      case Signature::Call:
      case Signature::CallImport:
        i.aux = lookup(symbol(), i.op == Op::call_import ? Target::Import : Target::Function);
        expect('(');
        values(operands, ')');
        return;
      case Signature::CallIndirect:
        operands.push_back(value());
        expect('(');
        values(operands, ')');
        expect(':');
        i.aux = m_.intern_type(function_type());
        return;
      case Signature::DataAddr:
        i.aux = lookup(symbol(), Target::Data);
        if (accept('+')) i.imm = number();
        return;
      case Signature::FuncAddr:
        i.aux = lookup(symbol(), Target::Function);
        return;
      case Signature::ImportAddr:
        i.aux = lookup(symbol(), Target::Import);
        return;
      case Signature::LoopPoll:
        i.aux = static_cast<u32>(number());
        if (accept('@')) i.imm = number();
        return;
      case Signature::StackAlloc:
        i.imm = number();
        if (accept_word("align")) i.aux = log2_of(number());
        return;
      case Signature::Branch:
        jumps.push_back(jump());
        return;
      case Signature::BranchIf:
        operands.push_back(value());
        expect(',');
        jumps.push_back(jump());
        expect(',');
        jumps.push_back(jump());
        return;
      case Signature::Switch:
        operands.push_back(value());
        expect(',');
        jumps.push_back(jump());
        i.aux = size32(f_->cases);
        while (accept(',') && !failed()) {
          f_->cases.push_back(static_cast<u64>(number()));
          expect(':');
          jumps.push_back(jump());
        }
        return;
      default:
        plain_arguments(i, operands);
    }
  }

  void plain_arguments(Instruction& i, std::vector<u32>& operands) {
    if (starts_value()) {
      do operands.push_back(value());
      while (accept(',') && !failed());
    }
    if (i.op == Op::shuffle) {
      i.aux = size32(f_->masks);
      expect('[');
      do f_->masks.push_back(static_cast<u8>(number()));
      while (accept(',') && !failed());
      expect(']');
    }
    if (i.op == Op::fence) i.aux = accept_word("full") ? 1 : 0;
    if (accept('*')) i.aux = static_cast<u32>(number());
    if (accept('+')) i.imm = number();
    if (accept_word("align")) i.aux = log2_of(number());
  }

  // A value is %name or a typed constant; an operation without operands is followed by a new line,
  // so a type's name right behind it on the line tells.
  bool starts_value() {
    usize look = at_;
    while (look < text_.size() && (text_[look] == ' ' || text_[look] == '\t')) ++look;
    if (look >= text_.size() || text_[look] == '\n') return false;
    if (text_[look] == '%') return true;
    const auto w = peek_word();
    for (u32 k = 1; k < kKindCount; ++k)
      if (w.substr(0, w.find('x', 1)) == kKindNames[k]) return true;
    return false;
  }

  u32 value() {
    if (accept('%')) {
      const auto it = value_names_.find(std::string(word()));
      if (it == value_names_.end()) {
        fail("no such value");
        return 0;
      }
      return it->second;
    }
    const Type t = type();
    if (!t.is_vector()) {
      f_->values.push_back({t, Def::Constant, 0, scalar(t)});
      return size32(f_->values) - 1;
    }
    const u32 offset = size32(f_->constant_bytes);
    expect('[');
    for (u32 lane = 0; lane < t.lanes && !failed(); ++lane) {
      if (lane) expect(',');
      const u64 bits = scalar(t.element());
      for (u32 k = 0; k < t.element_bytes(); ++k)
        f_->constant_bytes.push_back(static_cast<u8>(bits >> (8 * k)));
    }
    expect(']');
    f_->values.push_back({t, Def::Constant, offset, 0});
    return size32(f_->values) - 1;
  }

  // Integers, 0x bits, or for floats a decimal number with a point.
  u64 scalar(Type t) {
    skip_space();
    if (t.is_arithmetic_float()) {
      usize end = at_;
      while (end < text_.size() && (is_word(text_[end]) || text_[end] == '-' || text_[end] == '+')) ++end;
      const std::string w(text_.substr(at_, end - at_));
      if (w.find('.') != w.npos) {
        at_ = end;
        const double d = std::strtod(w.c_str(), nullptr);
        const float f = static_cast<float>(d);
        u64 bits = 0;
        if (t.kind == Kind::F64) std::memcpy(&bits, &d, 8);
        else std::memcpy(&bits, &f, 4);
        return bits;
      }
    }
    const u64 bits = static_cast<u64>(number());
    return t.element_bits() < 64 ? bits & ((u64{1} << t.element_bits()) - 1) : bits;
  }

  void values(std::vector<u32>& list, char close) {
    if (accept(close)) return;
    do list.push_back(value());
    while (accept(',') && !failed());
    expect(close);
  }

  std::pair<BlockId, std::vector<u32>> jump() {
    const auto it = block_names_.find(std::string(word()));
    if (it == block_names_.end()) {
      fail("no such block");
      return {};
    }
    std::vector<u32> arguments;
    if (accept('(')) values(arguments, ')');
    return {it->second, std::move(arguments)};
  }

  std::string_view text_;
  usize at_ = 0;
  const char* wrong_ = nullptr;
  usize wrong_at_ = 0;
  Module m_;
  Function* f_ = nullptr;
  std::map<std::string, Symbol> symbols_;
  std::map<std::string, ValueId> value_names_;
  std::map<std::string, BlockId> block_names_;
  i64 open_block_ = -1;
};

}  // namespace

Result<Module> parse_text(std::string_view text) { return Parser(text).run(); }

}  // namespace bf::ir
