// Module to text.
#include <cstdarg>
#include <cstdio>

#include "microjit/ir/text.h"

namespace bf::ir {

namespace {

class Printer {
 public:
  Printer(const Module& module, Text& out) : m_(module), out_(out) {}

  void module() {
    for (usize i = 1; i < m_.files.size(); ++i) {
      put("file %zu ", i);
      quoted(m_.string(m_.files[i]));
      put("\n");
    }
    for (const Import& i : m_.imports) {
      put("import ");
      symbol(i.name);
      put(" ");
      if (i.is_data) put("data");
      else function_type(m_.types[i.type]);
      put(i.is_weak ? " weak\n" : "\n");
    }
    for (const Data& d : m_.data) data(d);
    for (const Function& f : m_.functions) function(f);
  }

  void function(const Function& f) {
    f_ = &f;
    put("func ");
    symbol(f.name);
    put(" ");
    function_type(m_.types[f.type]);
    if (f.exported) put(" export");
    if (f.flags & kKernel) put(" kernel");
    if (f.flags & kReassoc) put(" reassoc");
    if (f.flags & kCold) put(" cold");
    if (f.flags & kGrowsStack) put(" growstack");
    if (f.specialise) put(" specialise %llu", static_cast<unsigned long long>(f.specialise));
    put(" {\n");
    for (BlockId b = 0; b < f.blocks.size(); ++b) {
      block_header(b);
      for (const Instruction& i : f.instructions_of(f.blocks[b])) instruction(i);
    }
    put("}\n");
  }

 private:
  [[gnu::format(printf, 2, 3)]] void put(const char* pattern, ...) {
    char buffer[160];
    va_list arguments;
    va_start(arguments, pattern);
    const int n = std::vsnprintf(buffer, sizeof buffer, pattern, arguments);
    va_end(arguments);
    out_.insert(out_.end(), buffer, buffer + n);
  }
  void put_view(std::string_view s) { out_.insert(out_.end(), s.begin(), s.end()); }

  void quoted_bytes(const u8* bytes, usize count) {
    put("\"");
    for (usize i = 0; i < count; ++i) {
      const u8 c = bytes[i];
      if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') put("\\%02x", c);
      else out_.push_back(static_cast<char>(c));
    }
    put("\"");
  }
  void quoted(std::string_view s) {
    quoted_bytes(reinterpret_cast<const u8*>(s.data()), s.size());
  }

  // @name, quoted where it is not a plain word.
  void symbol(u32 id) {
    const std::string_view s = m_.string(id);
    bool plain = !s.empty();
    for (const char c : s)
      plain = plain && (c == '_' || c == '.' || c == '$' || c == ':' || (c >= '0' && c <= '9') ||
                        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    put("@");
    if (plain) put_view(s);
    else quoted(s);
  }

  void type(Type t) {
    put("%s", kKindNames[static_cast<u8>(t.kind)]);
    if (t.is_vector()) put("x%u", t.lanes);
  }

  void kinds(const std::vector<Kind>& list) {
    put("(");
    for (usize i = 0; i < list.size(); ++i)
      put("%s%s", i ? ", " : "", kKindNames[static_cast<u8>(list[i])]);
    put(")");
  }

  // `[24]` is a parameter of 24 bytes by value, `[24 align 16]` one that lies so; `...` comes last.
  void parameters(const FunctionType& t) {
    put("(");
    usize next = 0;
    for (usize i = 0; i < t.parameters.size(); ++i) {
      if (i) put(", ");
      if (next == t.by_value.size() || t.by_value[next].parameter != i) {
        put("%s", kKindNames[static_cast<u8>(t.parameters[i])]);
        continue;
      }
      const ByValue& v = t.by_value[next++];
      put(v.align_log2 > 3 ? "[%u align %u]" : "[%u]", v.bytes, 1u << v.align_log2);
    }
    if (t.variadic) put(t.parameters.empty() ? "..." : ", ...");
    put(")");
  }

  void function_type(const FunctionType& t) {
    parameters(t);
    if (t.results.empty()) return;
    put(" -> ");
    kinds(t.results);
  }

  void data(const Data& d) {
    put("data ");
    symbol(d.name);
    if (d.writable) put(" writable");
    put(" align %u size %llu", 1u << d.align_log2, static_cast<unsigned long long>(d.size));
    if (!d.bytes.empty()) {
      put(" = ");
      quoted_bytes(d.bytes.data(), d.bytes.size());
    }
    for (const Relocation& r : d.relocations) {
      put(" at %llu ", static_cast<unsigned long long>(r.offset));
      symbol(target_name(r));
      addend(r.addend);
    }
    put("\n");
  }

  u32 target_name(const Relocation& r) const {
    return r.target == Target::Data       ? m_.data[r.index].name
           : r.target == Target::Function ? m_.functions[r.index].name
                                          : m_.imports[r.index].name;
  }

  void addend(i64 value) {
    if (value) put(" + %lld", static_cast<long long>(value));
  }

  void block_header(BlockId b) {
    const Block& block = f_->blocks[b];
    put("b%u", b);
    for (u32 i = 0; i < block.argument_count; ++i) {
      put(i ? ", %%%u: " : "(%%%u: ", block.first_argument + i);
      type(f_->values[block.first_argument + i].type);
    }
    put(block.argument_count ? "):\n" : ":\n");
  }

  void value(ValueId id) {
    const Value& v = f_->values[id];
    if (v.def != Def::Constant) return put("%%%u", id);
    type(v.type);
    if (!v.type.is_vector()) return put(" "), scalar(v.type, v.bits);
    put(" [");
    const u32 size = v.type.element_bytes();
    const auto bytes = f_->vector_bytes(v);
    for (u32 lane = 0; lane < v.type.lanes; ++lane) {
      u64 bits = 0;
      for (u32 k = 0; k < size; ++k) bits |= static_cast<u64>(bytes[lane * size + k]) << (8 * k);
      if (lane) put(", ");
      scalar(v.type.element(), bits);
    }
    put("]");
  }

  // Integers as signed decimals, everything else as bits.
  void scalar(Type t, u64 bits) {
    if (!t.is_int()) return put("0x%llx", static_cast<unsigned long long>(bits));
    const u32 unused = 64 - t.element_bits();
    const i64 number = t.kind == Kind::I1 ? static_cast<i64>(bits)
                                          : static_cast<i64>(bits << unused) >> unused;
    put("%lld", static_cast<long long>(number));
  }

  void values(std::span<const u32> list) {
    for (usize i = 0; i < list.size(); ++i) {
      if (i) put(", ");
      value(list[i]);
    }
  }

  void jump(const Edge& e) {
    put("b%u", e.block);
    if (e.argument_count == 0) return;
    put("(");
    values(f_->arguments_of(e));
    put(")");
  }

  void instruction(const Instruction& i) {
    put("  ");
    if (i.result != kNoValue) {
      put("%%%u: ", i.result);
      type(i.type);
      put(" = ");
    }
    put_view(op_name(i.op));
    const auto operands = f_->operands_of(i);
    switch (op_info(i.op).signature) {
      case Signature::Call:
        return call(i, m_.functions[i.aux].name, operands);
      case Signature::CallImport:
        return call(i, m_.imports[i.aux].name, operands);
      case Signature::CallIndirect:
        put(" ");
        value(operands[0]);
        put("(");
        values(operands.subspan(1));
        put(") : ");
        function_type(m_.types[i.aux]);
        break;
      case Signature::DataAddr:
        put(" ");
        symbol(m_.data[i.aux].name);
        addend(i.imm);
        break;
      case Signature::FuncAddr:
        put(" ");
        symbol(m_.functions[i.aux].name);
        break;
      case Signature::ImportAddr:
        put(" ");
        symbol(m_.imports[i.aux].name);
        break;
      default:
        if (!operands.empty()) put(" ");
        values(operands);
        attributes(i);
    }
    end(i);
  }

  void call(const Instruction& i, u32 name, std::span<const u32> operands) {
    put(" ");
    symbol(name);
    put("(");
    values(operands);
    put(")");
    end(i);
  }

  void attributes(const Instruction& i) {
    switch (i.op) {
      case Op::load:
      case Op::store:
      case Op::atomic_load:
      case Op::atomic_store:
        addend(i.imm);
        put(" align %u", 1u << i.aux);
        break;
      case Op::atomic_swap:
      case Op::atomic_add:
      case Op::atomic_and:
      case Op::atomic_or:
      case Op::atomic_xor:
      case Op::atomic_compare:
        addend(i.imm);
        break;
      case Op::fence:
        if (i.aux) put(" full");
        break;
      case Op::stack_grow:
        put(" align %u", 1u << i.aux);
        break;
      case Op::index:
        put(" * %u", i.aux);
        addend(i.imm);
        break;
      case Op::loop_poll:
        put(" %u", i.aux);
        break;
      case Op::resume_entry:
        put(" %u @ %lld", i.aux, static_cast<long long>(i.imm));
        break;
      case Op::stack_alloc:
        put(" %lld align %u", static_cast<long long>(i.imm), 1u << i.aux);
        break;
      case Op::shuffle:
        put(" [");
        for (u32 k = 0; k < i.type.lanes; ++k) put(k ? ", %u" : "%u", f_->masks[i.aux + k]);
        put("]");
        break;
      case Op::br:
        put(" ");
        jump(f_->edges[i.first_edge]);
        break;
      case Op::br_if:
        put(", ");
        jump(f_->edges[i.first_edge]);
        put(", ");
        jump(f_->edges[i.first_edge + 1]);
        break;
      case Op::switch_:
        put(", ");
        jump(f_->edges[i.first_edge]);
        for (u32 c = 0; c + 1 < i.edge_count; ++c) {
          put(", %llu: ", static_cast<unsigned long long>(f_->cases[i.aux + c]));
          jump(f_->edges[i.first_edge + 1 + c]);
        }
        break;
      default:
        break;
    }
  }

  void end(const Instruction& i) {
    if (i.location) put(" !%u:%u", location_file(i.location), location_line(i.location));
    put("\n");
  }

  const Module& m_;
  Text& out_;
  const Function* f_ = nullptr;
};

}  // namespace

void print(const Module& module, Text& out) { Printer(module, out).module(); }

void print_function(const Module& module, const Function& function, Text& out) {
  Printer(module, out).function(function);
}

}  // namespace bf::ir
