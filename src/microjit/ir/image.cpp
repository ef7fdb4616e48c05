#include "microjit/ir/image.h"

#include <cstring>

#include "microjit/ir/verify.h"
#include "runtime/fit.h"

namespace bf::ir {

namespace {

// Fixed header: magic u32, version u32, payload bytes u64, checksum u64, reserved u64.
constexpr usize kHeaderBytes = 32;

// Over 8-byte words, the last one filled up with zeros; xor, multiply, rotate (in the manner of
// FNV-1a, its 64-bit prime). It guards against damage, not against forgery: that is verify()'s.
u64 checksum(std::span<const u8> bytes) {
  constexpr u64 kPrime = 0x100000001b3;
  u64 hash = 0xcbf29ce484222325 ^ bytes.size(), word = 0;
  const auto add = [&] {
    hash = (hash ^ word) * kPrime;
    hash = hash << 29 | hash >> 35;
  };
  const usize whole = bytes.size() / 8 * 8;
  for (usize i = 0; i < whole; i += 8) {
    std::memcpy(&word, bytes.data() + i, 8);
    add();
  }
  if (whole == bytes.size()) return hash;
  word = 0;
  std::memcpy(&word, bytes.data() + whole, bytes.size() - whole);
  add();
  return hash;
}

void put_fixed(std::span<u8> out, usize at, u64 value, u32 bytes) {
  for (u32 i = 0; i < bytes; ++i) out[at + i] = static_cast<u8>(value >> (8 * i));
}

// ---- Writing --------------------------------------------------------------------------------

class Writer {
 public:
  std::vector<u8> out;

  void number(u64 v) {
    for (; v >= 0x80; v >>= 7) out.push_back(static_cast<u8>(v | 0x80));
    out.push_back(static_cast<u8>(v));
  }
  // Zigzag: small magnitudes stay small.
  void signed_number(i64 v) {
    number((static_cast<u64>(v) << 1) ^ static_cast<u64>(v >> 63));
  }
  void bytes(std::span<const u8> b) { out.insert(out.end(), b.begin(), b.end()); }
  void type(Type t) {
    out.push_back(static_cast<u8>(static_cast<u8>(t.kind) |
                                  static_cast<u8>(__builtin_ctz(t.lanes)) << 4));
  }
};

void write_tables(const Module& m, Writer& w) {
  w.number(m.types.size());
  for (const FunctionType& t : m.types) {
    w.number(t.parameters.size());
    for (const Kind k : t.parameters) w.number(static_cast<u8>(k));
    w.number(t.results.size());
    for (const Kind k : t.results) w.number(static_cast<u8>(k));
    w.number(t.by_value.size() << 1 | (t.variadic ? 1u : 0u));
    for (const ByValue& v : t.by_value) {
      w.number(v.parameter);
      w.number(u64{v.bytes} << 3 | (v.align_log2 - 3));
    }
  }
  w.number(m.strings.size());
  for (const Module::String& s : m.strings) {
    w.number(s.size);
    w.bytes({reinterpret_cast<const u8*>(m.characters.data()) + s.offset, s.size});
  }
  w.number(m.files.size());
  for (const u32 f : m.files) w.number(f);
  w.number(m.imports.size());
  for (const Import& i : m.imports) {
    w.number(i.name);
    w.number(u64{i.type} << 2 | (i.is_weak ? 2u : 0u) | (i.is_data ? 1u : 0u));
  }
}

void write_data(const Module& m, Writer& w) {
  w.number(m.data.size());
  for (const Data& d : m.data) {
    w.number(d.name);
    w.number(d.align_log2 << 1 | (d.writable ? 1 : 0));
    w.number(d.size);
    w.number(d.bytes.size());
    w.bytes(d.bytes);
    w.number(d.relocations.size());
    for (const Relocation& r : d.relocations) {
      w.number(r.offset);
      w.number(static_cast<u8>(r.target));
      w.number(r.index);
      w.signed_number(r.addend);
    }
  }
}

// In the image the values of a function are numbered constants first, then block arguments in
// block order, then results in instruction order, so that none needs to be listed.
class FunctionWriter {
 public:
  FunctionWriter(const Function& f, Writer& w) : f_(f), w_(w), number_(f.values.size(), 0) {}

  void run() {
    w_.number(f_.name);
    w_.number(f_.type);
    w_.number(f_.flags << 1 | (f_.exported ? 1u : 0u));
    w_.number(f_.specialise);
    constants();
    w_.number(f_.blocks.size());
    for (const Block& b : f_.blocks) {
      w_.number(b.argument_count);
      for (u32 i = 0; i < b.argument_count; ++i) {
        w_.type(f_.values[b.first_argument + i].type);
        number_[b.first_argument + i] = next_++;
      }
    }
    for (const Instruction& i : f_.instructions)
      if (i.result != kNoValue) number_[i.result] = next_++;
    for (const Block& b : f_.blocks) {
      w_.number(b.instruction_count);
      for (const Instruction& i : f_.instructions_of(b)) instruction(i);
    }
  }

 private:
  void constants() {
    // Only what is used: builders may leave constants behind.
    std::vector<bool> used(f_.values.size());
    for (const u32 v : f_.operands) used[v] = true;
    u64 count = 0;
    for (usize i = 0; i < f_.values.size(); ++i)
      if (f_.values[i].def == Def::Constant && used[i]) ++count;
    w_.number(count);
    for (usize i = 0; i < f_.values.size(); ++i) {
      const Value& v = f_.values[i];
      if (v.def != Def::Constant || !used[i]) continue;
      number_[i] = next_++;
      w_.type(v.type);
      if (v.type.is_vector()) w_.bytes(f_.vector_bytes(v));
      else w_.number(v.bits);
    }
  }

  void instruction(const Instruction& i) {
    w_.out.push_back(static_cast<u8>(i.op));
    w_.type(i.type);
    w_.number(i.operand_count);
    for (const u32 v : f_.operands_of(i)) w_.number(number_[v]);
    if (i.op == Op::shuffle) w_.bytes({f_.masks.data() + i.aux, i.type.lanes});
    else if (i.op != Op::switch_) w_.number(i.aux);
    w_.signed_number(i.imm);
    w_.signed_number(static_cast<i64>(i.location) - static_cast<i64>(location_));
    location_ = i.location;
    if (op_info(i.op).effects != Effects::Ends) return;
    w_.number(i.edge_count);
    for (const Edge& e : f_.edges_of(i)) {
      w_.number(e.block);
      w_.number(e.argument_count);
      for (const u32 v : f_.arguments_of(e)) w_.number(number_[v]);
    }
    if (i.op == Op::switch_)
      for (u32 c = 0; c + 1 < i.edge_count; ++c) w_.number(f_.cases[i.aux + c]);
  }

  const Function& f_;
  Writer& w_;
  std::vector<u32> number_;
  u32 next_ = 0;
  Location location_ = 0;
};

// ---- Reading --------------------------------------------------------------------------------

// Never reads past the end: after that, everything is 0 and failed() is true.
class Reader {
 public:
  explicit Reader(std::span<const u8> bytes) : bytes_(bytes) {}

  bool failed() const { return failed_; }
  usize left() const { return bytes_.size() - at_; }

  u8 byte() {
    if (at_ == bytes_.size()) {
      failed_ = true;
      return 0;
    }
    return bytes_[at_++];
  }
  // A count of items of at least one byte, above a flag.
  u32 count_and_flag(bool& flag) {
    const u64 v = number();
    flag = v & 1;
    if (v >> 1 > left()) failed_ = true;
    return failed_ ? 0 : static_cast<u32>(v >> 1);
  }
  // Most have one byte.
  u64 number() {
    return at_ != bytes_.size() && bytes_[at_] < 0x80 ? bytes_[at_++] : long_number();
  }
  u32 number32() {
    const u64 v = number();
    if (v >> 32) failed_ = true;
    return static_cast<u32>(v);
  }
  i64 signed_number() {
    const u64 v = number();
    return static_cast<i64>(v >> 1 ^ (0 - (v & 1)));
  }
  // How many items of at least one byte follow: no more than there are bytes.
  u32 count() {
    const u64 v = number();
    if (v > left()) {
      failed_ = true;
      return 0;
    }
    return static_cast<u32>(v);
  }
  std::span<const u8> bytes(u64 n) {
    if (n > left()) {
      failed_ = true;
      return {};
    }
    at_ += n;
    return bytes_.subspan(at_ - n, n);
  }
  Type type() {
    const u8 b = byte();
    const Type t{static_cast<Kind>(b & 15), static_cast<u8>(1u << (b >> 4 & 7))};
    if (b >> 4 > 6 || !t.valid()) failed_ = true;
    return failed_ ? Type{} : t;
  }
  Kind kind() {
    const u64 k = number();
    if (k >= kKindCount) failed_ = true;
    return failed_ ? Kind::Void : static_cast<Kind>(k);
  }

 private:
  u64 long_number() {
    u64 v = 0;
    for (u32 shift = 0; shift < 70; shift += 7) {
      const u8 b = byte();
      if (shift < 64) v |= static_cast<u64>(b & 0x7f) << shift;
      if (!(b & 0x80)) return v;
    }
    failed_ = true;
    return 0;
  }

  std::span<const u8> bytes_;
  usize at_ = 0;
  bool failed_ = false;
};

template <class T>
void append(std::vector<T>& to, std::span<const T> from) {
  to.insert(to.end(), from.begin(), from.end());
}

void read_tables(Module& m, Reader& r) {
  m.types.resize(r.count());
  for (FunctionType& t : m.types) {
    t.parameters.resize(r.count());
    for (Kind& k : t.parameters) k = r.kind();
    t.results.resize(r.count());
    for (Kind& k : t.results) k = r.kind();
    t.by_value.resize(r.count_and_flag(t.variadic));
    for (ByValue& v : t.by_value) {
      v.parameter = r.number32();
      const u32 packed = r.number32();
      v.bytes = packed >> 3;
      v.align_log2 = 3 + (packed & 7);
    }
  }
  m.strings.resize(r.count());
  for (Module::String& s : m.strings) {
    const auto text = r.bytes(r.number());
    s = {static_cast<u32>(m.characters.size()), static_cast<u32>(text.size())};
    const auto* first = reinterpret_cast<const char*>(text.data());
    m.characters.insert(m.characters.end(), first, first + text.size());
  }
  m.files.resize(r.count());
  for (u32& f : m.files) f = r.number32();
  m.imports.resize(r.count());
  for (Import& i : m.imports) {
    i.name = r.number32();
    const u32 packed = r.number32();
    i.type = packed >> 2;
    i.is_weak = packed & 2;
    i.is_data = packed & 1;
  }
}

void read_data(Module& m, Reader& r) {
  m.data.resize(r.count());
  for (Data& d : m.data) {
    d.name = r.number32();
    const u32 packed = r.number32();
    d.align_log2 = packed >> 1;
    d.writable = packed & 1;
    d.size = r.number();
    const u64 size = r.number();
    append(d.bytes, r.bytes(size));
    d.relocations.resize(r.count());
    for (Relocation& l : d.relocations) {
      l.offset = r.number();
      const u64 target = r.number();
      l.target = target > 2 ? Target::Data : static_cast<Target>(target);
      l.index = target > 2 ? ~0u : r.number32();
      l.addend = r.signed_number();
    }
  }
}

class FunctionReader {
 public:
  explicit FunctionReader(Reader& r) : r_(r) {}

  // False for an operation that does not exist; lengths are the Reader's to complain about.
  bool read(Function& function, u32 index) {
    clear();
    f_.index = index;
    f_.name = r_.number32();
    f_.type = r_.number32();
    const u32 flags = r_.number32();
    f_.flags = flags >> 1;
    f_.exported = flags & 1;
    f_.specialise = r_.number();
    constants();
    blocks();
    for (Block& b : f_.blocks) {
      b.first_instruction = size32(f_.instructions);
      b.instruction_count = r_.count();
      for (u32 i = 0; i < b.instruction_count && !r_.failed(); ++i) instruction();
    }
    function = f_;
    return !bad_op_;
  }

 private:
  template <class T>
  static u32 size32(const std::vector<T>& v) {
    return static_cast<u32>(v.size());
  }

  void clear() {
    const auto all = [](auto&... vectors) { (vectors.clear(), ...); };
    all(f_.blocks, f_.instructions, f_.values, f_.operands, f_.edges, f_.masks, f_.cases,
        f_.constant_bytes);
    location_ = 0;
  }

  void constants() {
    const u32 count = r_.count();
    for (u32 i = 0; i < count && !r_.failed(); ++i) {
      Value v{r_.type(), Def::Constant, 0, 0};
      if (v.type.is_vector()) {
        v.index = size32(f_.constant_bytes);
        append(f_.constant_bytes, r_.bytes(v.type.bytes()));
      } else {
        v.bits = r_.number();
        const u32 bits = v.type.element_bits();
        if (bits < 64) v.bits &= (u64{1} << bits) - 1;
      }
      f_.values.push_back(v);
    }
  }

  void blocks() {
    const u32 count = r_.count();
    for (u32 b = 0; b < count && !r_.failed(); ++b) {
      Block block;
      block.first_argument = size32(f_.values);
      block.argument_count = r_.count();
      for (u32 i = 0; i < block.argument_count && !r_.failed(); ++i)
        f_.values.push_back({r_.type(), Def::BlockArgument, b, 0});
      f_.blocks.push_back(block);
    }
  }

  void instruction() {
    Instruction i;
    const u8 op = r_.byte();
    i.op = op < kOpCount ? static_cast<Op>(op) : Op::unreachable;
    i.type = r_.type();
    const u32 operand_count = r_.count();
    if (op >= kOpCount || operand_count > 0xffff) bad_op_ = true;
    i.operand_count = static_cast<u16>(operand_count);
    i.first_operand = size32(f_.operands);
    for (u32 n = 0; n < operand_count && !r_.failed(); ++n) f_.operands.push_back(r_.number32());
    if (i.op == Op::shuffle) {
      i.aux = size32(f_.masks);
      append(f_.masks, r_.bytes(i.type.lanes));
    } else if (i.op != Op::switch_) {
      i.aux = r_.number32();
    }
    i.imm = r_.signed_number();
    location_ += static_cast<u32>(r_.signed_number());
    i.location = location_;
    if (!i.type.is_void()) {
      i.result = size32(f_.values);
      f_.values.push_back({i.type, Def::Instruction, size32(f_.instructions), 0});
    }
    i.first_edge = size32(f_.edges);
    if (op_info(i.op).effects == Effects::Ends) edges(i);
    f_.instructions.push_back(i);
  }

  void edges(Instruction& i) {
    i.edge_count = r_.count();
    for (u32 e = 0; e < i.edge_count && !r_.failed(); ++e) {
      Edge edge;
      edge.block = r_.number32();
      edge.argument_count = r_.count();
      edge.first_argument = size32(f_.operands);
      for (u32 n = 0; n < edge.argument_count && !r_.failed(); ++n)
        f_.operands.push_back(r_.number32());
      f_.edges.push_back(edge);
    }
    if (i.op != Op::switch_) return;
    i.aux = size32(f_.cases);
    for (u32 c = 0; c + 1 < i.edge_count && !r_.failed(); ++c) f_.cases.push_back(r_.number());
  }

  Function f_;  // has room for the largest so far: what is read is copied, and as large as it must be
  Reader& r_;
  Location location_ = 0;
  bool bad_op_ = false;
};

Error damaged(const char* what) {
  return Error::format(
      "the program's IR image is damaged (%s): build it again, or check the disc it came from",
      what);
}

}  // namespace

std::vector<u8> write_image(const Module& module) {
  Writer w;
  write_tables(module, w);
  write_data(module, w);
  w.number(module.functions.size());
  for (const Function& f : module.functions) FunctionWriter(f, w).run();

  std::vector<u8> image(kHeaderBytes);
  image.insert(image.end(), w.out.begin(), w.out.end());
  seal_image(image);
  return image;
}

void seal_image(std::span<u8> image) {
  if (image.size() < kHeaderBytes) return;
  const auto payload = image.subspan(kHeaderBytes);
  put_fixed(image, 0, kImageMagic, 4);
  put_fixed(image, 4, kImageVersion, 4);
  put_fixed(image, 8, payload.size(), 8);
  put_fixed(image, 16, checksum(payload), 8);
  put_fixed(image, 24, 0, 8);
}

Result<Module> read_image(std::span<const u8> bytes) {
  if (bytes.size() < kHeaderBytes) return damaged("shorter than its header");
  const auto fixed = [&](usize at, u32 count) {
    u64 v = 0;
    std::memcpy(&v, bytes.data() + at, count);
    return v;
  };
  if (fixed(0, 4) != kImageMagic) return damaged("it does not start with BFIR");
  if (fixed(4, 4) != kImageVersion)
    return Error::format("the program's IR image has version %u, this engine reads %u: build both "
                         "from the same sources",
                         static_cast<u32>(fixed(4, 4)), kImageVersion);
  // Boot loaders pad modules to pages: more bytes than the payload are fine, fewer are not.
  const u64 size = fixed(8, 8);
  if (size > bytes.size() - kHeaderBytes) return damaged("it is cut short");
  const auto payload = bytes.subspan(kHeaderBytes, size);
  if (checksum(payload) != fixed(16, 8)) return damaged("its checksum is wrong");

  Reader r(payload);
  Module m;
  read_tables(m, r);
  read_data(m, r);
  const u32 count = r.count();
  FunctionReader reader(r);
  for (u32 i = 0; i < count && !r.failed(); ++i)
    if (!reader.read(m.functions.emplace_back(), i)) return damaged("an operation that does not exist");
  bf::fit(m.functions);
  if (r.failed()) return damaged("a count or a length that cannot be");
  if (r.left() != 0) return damaged("bytes after its end");
  if (auto ok = verify(m); !ok) return ok.error();
  return m;
}

}  // namespace bf::ir
