// From a function's IR to cells: lays out the frame, picks a handler per instruction, fuses pairs,
// turns block arguments into moves on the edges.
#include <algorithm>
#include <cstring>

#include "microjit/interp/handlers.h"
#include "microjit/interp/interp.h"

namespace bf::microjit::interp {

using ir::Block;
using ir::BlockId;
using ir::Def;
using ir::Edge;
using ir::Effects;
using ir::Function;
using ir::Instruction;
using ir::Kind;
using ir::Module;
using ir::Op;
using ir::Signature;
using ir::Type;
using ir::Value;
using ir::ValueId;

namespace {

constexpr u32 slot_bytes(Type t) { return t.is_vector() ? align_up(t.bytes(), 16u) : 8; }

class Decoder {
 public:
  Decoder(const Module& module, const Function& function, const Linkage& linkage)
      : module_(module), f_(function), linkage_(linkage), code_(std::make_unique<Code>()) {}

  std::unique_ptr<Code> run() {
    count_uses();
    lay_out_frame();
    block_cells_.resize(f_.blocks.size());
    for (BlockId b = 0; b < f_.blocks.size(); ++b) block(b);
    for (const Patch& p : patches_) patch(p);
    code_->frame_bytes = align_up(frame_, 64u);
    return std::move(code_);
  }

 private:
  // A branch target still to be filled in: a block's first cell, or a cell of an edge.
  struct Patch {
    u32 cell;
    bool taken;
    u32 target_block;      // kNone: target_cell counts
    u32 target_cell = 0;
    SwitchTable* table = nullptr;  // else: entry `index` of the table, kNone for the default
    u32 index = 0;
  };

  void count_uses() {
    uses_.assign(f_.values.size(), 0);
    for (const Instruction& i : f_.instructions) {
      for (const u32 v : f_.operands_of(i)) ++uses_[v];
      for (const Edge& e : f_.edges_of(i))
        for (const u32 v : f_.arguments_of(e)) ++uses_[v];
    }
  }

  u32 reserve(u32 bytes) {
    const u32 at = frame_;
    frame_ += bytes;
    return at;
  }

  void lay_out_frame() {
    slots_.assign(f_.values.size(), kNone);
    const Block& entry = f_.blocks[0];
    frame_ = kParametersOffset;
    for (u32 i = 0; i < entry.argument_count; ++i) slots_[entry.first_argument + i] = reserve(8);
    frame_ = align_up(frame_, 16u);
    for (usize v = 0; v < f_.values.size(); ++v) {
      const Value& value = f_.values[v];
      if (slots_[v] == kNone && value.def != Def::Constant && !constant_address(value))
        slots_[v] = reserve(slot_bytes(value.type));
      frame_ = align_up(frame_, value.type.is_vector() ? 16u : 8u);
    }
    frame_ = align_up(frame_, 16u);
    scratch_ = reserve(kScratchBytes);
    if (module_.types[f_.type].variadic) code_->va_area = reserve(kVaAreaBytes);
    code_->constants_offset = frame_;
    lay_out_constants();
  }

  // data_addr and its like are known now: constants as well.
  bool constant_address(const Value& value) const {
    if (value.def != Def::Instruction) return false;
    const Op op = f_.instructions[value.index].op;
    return op == Op::data_addr || op == Op::func_addr || op == Op::import_addr;
  }

  u64 address_of(const Instruction& i) const {
    if (i.op == Op::data_addr)
      return reinterpret_cast<u64>(linkage_.data[i.aux]) + static_cast<u64>(i.imm);
    if (i.op == Op::func_addr) return reinterpret_cast<u64>(linkage_.functions[i.aux]->stub);
    return reinterpret_cast<u64>(linkage_.imports[i.aux]);
  }

  void lay_out_constants() {
    for (usize v = 0; v < f_.values.size(); ++v) {
      const Value& value = f_.values[v];
      if (uses_[v] == 0) continue;
      if (value.def == Def::Constant && value.type.is_vector())
        slots_[v] = add_constant(f_.vector_bytes(value), slot_bytes(value.type));
      else if (value.def == Def::Constant)
        slots_[v] = add_scalar(value.bits);
      else if (constant_address(value))
        slots_[v] = add_scalar(address_of(f_.instructions[value.index]));
    }
    frame_ += static_cast<u32>(code_->constants.size());
  }

  u32 add_scalar(u64 bits) {
    u8 bytes[8];
    std::memcpy(bytes, &bits, 8);
    return add_constant(bytes, 8);
  }

  u32 add_constant(std::span<const u8> bytes, u32 size) {
    auto& pool = code_->constants;
    pool.resize(align_up(pool.size(), usize{size < 16 ? size : 16}));
    const u32 at = static_cast<u32>(pool.size());
    pool.insert(pool.end(), bytes.begin(), bytes.end());
    pool.resize(at + size);
    return code_->constants_offset + at;
  }

  // ---- Cells ----------------------------------------------------------------------------------

  u32 here() const { return static_cast<u32>(code_->cells.size()); }

  Cell& emit(Handler* handler, u32 a = 0, u32 b = 0, u32 c = 0, u32 d = 0) {
    BF_ASSERT(handler != nullptr);
    Cell cell;
    cell.handler = handler;
    cell.a = a, cell.b = b, cell.c = c, cell.d = d;
    code_->cells.push_back(cell);
    return code_->cells.back();
  }

  u32 slot(ValueId v) const { return slots_[v]; }
  u32 operand(const Instruction& i, u32 n) const { return slots_[f_.operands[i.first_operand + n]]; }
  Type operand_type(const Instruction& i, u32 n) const {
    return f_.values[f_.operands[i.first_operand + n]].type;
  }

  void block(BlockId id) {
    block_cells_[id] = here();
    const Block& b = f_.blocks[id];
    for (u32 n = 0; n < b.instruction_count; ++n) {
      const Instruction& i = f_.instructions[b.first_instruction + n];
      const Instruction* next = n + 1 < b.instruction_count ? &i + 1 : nullptr;
      if (next && fuse(i, *next, id)) ++n;
      else instruction(i, next, id);
    }
  }

  // Whether two neighbours became one cell.
  bool fuse(const Instruction& i, const Instruction& next, BlockId b) {
    if (i.result == kNoResult || uses_[i.result] != 1) return false;
    if (next.op == Op::br_if && f_.operands[next.first_operand] == i.result) {
      Handler* handler = compare_branch_handler(i.op, operand_type_or_void(i));
      if (!handler) handler = float_compare_branch_handler(i.op, operand_type_or_void(i));
      if (!handler) return false;
      two_way(emit(handler, 0, operand(i, 0), operand(i, 1)), next, b);
      return true;
    }
    if (i.op != Op::index || i.imm != 0) return false;
    if (next.op == Op::load && f_.operands[next.first_operand] == i.result) {
      if (Handler* handler = indexed_load_handler(next.type.bytes())) {
        emit(handler, slot(next.result), operand(i, 0), operand(i, 1), i.aux).imm = next.imm;
        return true;
      }
    }
    if (next.op == Op::store && f_.operands[next.first_operand + 1] == i.result) {
      if (Handler* handler = indexed_store_handler(operand_type(next, 0).bytes())) {
        emit(handler, operand(next, 0), operand(i, 0), operand(i, 1), i.aux).imm = next.imm;
        return true;
      }
    }
    return false;
  }

  Type operand_type_or_void(const Instruction& i) const {
    return i.operand_count == 2 && !operand_type(i, 0).is_vector() ? operand_type(i, 0) : Type{};
  }

  void simple(const Instruction& i, Choice choice) {
    const u32 a = i.result == kNoResult ? 0 : slot(i.result);
    Cell& cell = emit(choice.handler, a, i.operand_count > 0 ? operand(i, 0) : 0,
                      i.operand_count > 1 ? operand(i, 1) : 0,
                      i.operand_count > 2 ? operand(i, 2) : 0);
    cell.imm = choice.imm;
  }

  void instruction(const Instruction& i, const Instruction* next, BlockId b) {
    switch (op_info(i.op).signature) {
      case Signature::IntBinary:
        if (i.type.is_vector() && uniform_shift(i)) return;
        [[fallthrough]];
      case Signature::IntUnary:
        return simple(i, integer_handler(i.op, i.type));
      case Signature::IntCompare:
      case Signature::IntOverflow:
        return simple(i, integer_handler(i.op, operand_type(i, 0)));
      case Signature::FloatBinary:
      case Signature::FloatUnary:
      case Signature::FloatTernary:
        return simple(i, float_handler(i.op, i.type));
      case Signature::FloatCompare:
        return simple(i, float_handler(i.op, operand_type(i, 0)));
      case Signature::Select:
        return simple(i, operand_type(i, 0).is_vector() ? vector_handler(i.op, i.type)
                                                        : select_whole_handler(i.type));
      case Signature::IntTruncate:
      case Signature::IntExtend:
      case Signature::FloatTruncate:
      case Signature::FloatExtend:
      case Signature::FloatToInt:
      case Signature::IntToFloat:
        return simple(i, convert_handler(i.op, operand_type(i, 0), i.type));
      case Signature::Bitcast:
        return move(slot(i.result), operand(i, 0), i.type);
      case Signature::Load:
        return load(i);
      case Signature::Store:
        return store(i);
      case Signature::MemCopy:
      case Signature::MemFill: {
        const Choice choice = memory_handler(i.op);
        emit(choice.handler, operand(i, 0), operand(i, 1), operand(i, 2));
        return;
      }
      case Signature::PtrAdd: {
        simple(i, memory_handler(i.op));
        code_->cells.back().d = i.aux;
        code_->cells.back().imm = i.imm;
        return;
      }
      case Signature::DataAddr:
      case Signature::FuncAddr:
      case Signature::ImportAddr:
      case Signature::SecondResult:
        return;  // constants; written by the call
      case Signature::LoopPoll:
        emit(loop_poll_handler(), slot(i.result)).imm = i.aux;
        return;
      case Signature::StackAlloc: {
        const u32 align = i.aux < 4 ? 16 : 1u << i.aux;
        const u32 at = align_up(frame_, 16u);
        frame_ = at + align_up(static_cast<u32>(i.imm), 16u) + align;
        emit(memory_handler(i.op).handler, slot(i.result), at).imm = align;
        return;
      }
      case Signature::Splat:
        return simple(i, vector_handler(i.op, i.type));
      case Signature::Extract:
      case Signature::IntReduce:
      case Signature::MaskBits:
        return simple(i, vector_handler(i.op, operand_type(i, 0)));
      case Signature::FloatReduce:
        return simple(i, vector_handler(i.op, operand_type(i, 1)));
      case Signature::Insert:
      case Signature::Dot4:
        return simple(i, vector_handler(i.op, i.type));
      case Signature::Shuffle:
        return shuffle(i);
      case Signature::Call:
      case Signature::CallImport:
      case Signature::CallIndirect:
        return call(i, next);
      case Signature::VaStart:
        emit(va_start_handler(), operand(i, 0), code_->va_area);
        return;
      case Signature::Branch:
        return edge(f_.edges[i.first_edge], b);
      case Signature::BranchIf:
        return two_way(emit(branch_handler(), 0, operand(i, 0)), i, b);
      case Signature::Switch:
        return switch_on(i, b);
      case Signature::Return:
        emit(return_handler(i.operand_count), 0, i.operand_count > 0 ? operand(i, 0) : 0,
             i.operand_count > 1 ? operand(i, 1) : 0);
        return;
      case Signature::Unreachable:
        emit(unreachable_handler());
        return;
    }
  }

  bool uniform_shift(const Instruction& i) {
    const Value& amount = f_.values[f_.operands[i.first_operand + 1]];
    if (amount.def != Def::Constant) return false;
    Handler* handler = uniform_shift_handler(i.op, i.type);
    if (!handler) return false;
    const auto bytes = f_.vector_bytes(amount);
    const u32 size = i.type.element_bytes();
    for (u32 k = size; k < bytes.size(); ++k)
      if (bytes[k] != bytes[k - size]) return false;
    emit(handler, slot(i.result), operand(i, 0)).imm = bytes[0] & (i.type.element_bits() - 1);
    return true;
  }

  // Values of odd sizes (vectors of 2, 4, 8 bytes) are moved as integers of that size.
  void move(u32 to, u32 from, Type type) {
    if (to != from) emit(move_handler(slot_bytes(type)), to, from);
  }

  void load(const Instruction& i) {
    emit(load_handler(i.type.bytes()), slot(i.result), operand(i, 0)).imm = i.imm;
  }
  void store(const Instruction& i) {
    emit(store_handler(operand_type(i, 0).bytes()), operand(i, 0), operand(i, 1)).imm = i.imm;
  }

  void shuffle(const Instruction& i) {
    auto plan = std::make_unique<ShufflePlan>();
    const Type from = operand_type(i, 0);
    const u32 size = i.type.element_bytes();
    for (u32 lane = 0; lane < i.type.lanes; ++lane) {
      const u32 source = f_.masks[i.aux + lane];
      const u32 at = source < from.lanes ? operand(i, 0) + source * size
                                         : operand(i, 1) + (source - from.lanes) * size;
      const u32 to = slot(i.result) + lane * size;
      if (!plan->runs.empty()) {
        ShufflePlan::Run& last = plan->runs.back();
        if (last.from + last.bytes == at && last.to + last.bytes == to) {
          last.bytes += size;
          continue;
        }
      }
      plan->runs.push_back({at, to, size});
    }
    emit(vector_handler(i.op, i.type).handler).pointer = plan.get();
    code_->shuffles.push_back(std::move(plan));
  }

  void call(const Instruction& i, const Instruction* next) {
    auto site = std::make_unique<CallSite>();
    u32 first = 0;
    u32 type = i.aux;
    if (i.op == Op::call || i.op == Op::call_generic) {
      site->callee = linkage_.functions[i.aux];
      type = module_.functions[i.aux].type;
    } else if (i.op == Op::call_import) {
      site->address = linkage_.imports[i.aux];
      type = module_.imports[i.aux].type;
    } else {
      site->pointer = operand(i, 0);
      first = 1;
    }
    site->type = &module_.types[type];
    for (u32 n = first; n < i.operand_count; ++n) site->arguments.push_back(operand(i, n));
    if (i.result != kNoResult) site->results[0] = slot(i.result);
    if (next && next->op == Op::second) site->results[1] = slot(next->result);
    emit(call_handler(i.op)).pointer = site.get();
    code_->calls.push_back(std::move(site));
  }

  // ---- Edges ----------------------------------------------------------------------------------

  // The moves of an edge, then the jump, which is left out where the block follows anyway.
  void edge(const Edge& e, BlockId from) {
    moves(e);
    const bool back = e.block <= from;
    if (e.block == from + 1) return;
    jump_to(e, back);
  }

  void jump_to(const Edge& e, bool back) {
    patches_.push_back({here(), true, e.block});
    emit(jump_handler(back));
  }

  // An edge of a conditional branch: straight to the block, or by way of its moves.
  void two_way(Cell& cell, const Instruction& i, BlockId from) {
    const u32 at = static_cast<u32>(&cell - code_->cells.data());
    const Edge taken = f_.edges[i.first_edge], other = f_.edges[i.first_edge + 1];
    // What is not taken comes right after the branch.
    leg(other, from, {at, false, kNone});
    leg(taken, from, {at, true, kNone});
  }

  void leg(const Edge& e, BlockId from, Patch p) {
    const bool back = e.block <= from;
    if (e.argument_count == 0 && !back) {
      p.target_block = e.block;
    } else {
      p.target_cell = here();
      moves(e);
      jump_to(e, back);
    }
    patches_.push_back(p);
  }

  void switch_on(const Instruction& i, BlockId from) {
    auto owned = std::make_unique<SwitchTable>();
    SwitchTable* table = owned.get();
    code_->switches.push_back(std::move(owned));
    const u32 at = here();
    emit(switch_handler(operand_type(i, 0).bytes()), 0, operand(i, 0)).pointer = table;
    std::vector<u32> order(i.edge_count - 1);
    for (u32 n = 0; n < order.size(); ++n) order[n] = n;
    const u64* cases = f_.cases.data() + i.aux;
    const u32 bits = operand_type(i, 0).element_bits();
    const u64 mask = bits < 64 ? (u64{1} << bits) - 1 : ~u64{0};
    // Of equal cases the first one counts.
    std::sort(order.begin(), order.end(), [&](u32 x, u32 y) {
      return std::pair(cases[x] & mask, x) < std::pair(cases[y] & mask, y);
    });
    for (const u32 n : order) table->cases.push_back(cases[n] & mask);
    table->targets.resize(order.size());
    for (u32 n = 0; n < order.size(); ++n)
      leg(f_.edges[i.first_edge + 1 + order[n]], from, {at, true, kNone, 0, table, n});
    leg(f_.edges[i.first_edge], from, {at, true, kNone, 0, table, kNone});
  }

  void patch(const Patch& p) {
    const u32 target = p.target_block == kNone ? p.target_cell : block_cells_[p.target_block];
    const i32 distance = static_cast<i32>(target) - static_cast<i32>(p.cell);
    if (p.table) (p.index == kNone ? p.table->otherwise : p.table->targets[p.index]) = distance;
    else (p.taken ? code_->cells[p.cell].target.taken : code_->cells[p.cell].target.other) = distance;
  }

  // Block arguments are assigned all at once: a move waits until nobody reads its target any more;
  // a cycle is opened by saving one value in scratch space.
  void moves(const Edge& e) {
    struct Move {
      u32 to, from;
      Type type;
    };
    std::vector<Move> left;
    const Block& block = f_.blocks[e.block];
    for (u32 n = 0; n < e.argument_count; ++n) {
      const ValueId to = block.first_argument + n;
      const u32 from = slot(f_.operands[e.first_argument + n]);
      if (slot(to) != from && uses_[to] != 0) left.push_back({slot(to), from, f_.values[to].type});
    }
    while (!left.empty()) {
      bool progress = false;
      for (usize n = 0; n < left.size(); ++n) {
        const bool read = std::any_of(left.begin(), left.end(),
                                      [&](const Move& m) { return m.from == left[n].to; });
        if (read) continue;
        move(left[n].to, left[n].from, left[n].type);
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(n));
        progress = true;
        break;
      }
      if (progress) continue;
      Move& m = left.front();
      move(scratch_, m.to, m.type);
      for (Move& other : left)
        if (other.from == m.to) other.from = scratch_;
      move(m.to, m.from, m.type);
      left.erase(left.begin());
    }
  }

  static constexpr ValueId kNoResult = ir::kNoValue;
  static constexpr u32 kScratchBytes = ir::kMaxVectorBytes;

  const Module& module_;
  const Function& f_;
  const Linkage& linkage_;
  std::unique_ptr<Code> code_;
  std::vector<u32> uses_;
  std::vector<u32> slots_;
  std::vector<u32> block_cells_;
  std::vector<Patch> patches_;
  u32 frame_ = 0;
  u32 scratch_ = 0;
};

}  // namespace

std::unique_ptr<Code> decode(const Module& module, const Function& function,
                             const Linkage& linkage) {
  return Decoder(module, function, linkage).run();
}

}  // namespace bf::microjit::interp
