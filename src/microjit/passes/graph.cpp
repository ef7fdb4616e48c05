#include "microjit/passes/graph.h"

#include <algorithm>

namespace bf::passes {

namespace {

template <class T>
u32 size32(const std::vector<T>& v) {
  return static_cast<u32>(v.size());
}

u64 cut(Type type, u64 bits) {
  return type.element_bits() < 64 ? bits & ((u64{1} << type.element_bits()) - 1) : bits;
}

}  // namespace

// ---- In -----------------------------------------------------------------------------------------

Graph::Graph(const ir::Module& module, const ir::Function& f)
    : name(f.name),
      function_type(f.type),
      flags(f.flags),
      index(f.index),
      exported(f.exported),
      specialise(f.specialise),
      masks(f.masks),
      cases(f.cases),
      constant_bytes(f.constant_bytes),
      module_(&module) {
  pool.reserve(f.operands.size() * 2);
  insts.reserve(f.instructions.size() + f.instructions.size() / 2);
  all_edges.reserve(f.edges.size() * 2);
  values.reserve(f.values.size() * 2);
  // Values keep their ids; equal constants become one, by way of forwarding.
  for (const ir::Value& v : f.values) values.push_back({v.type, v.def, v.index, v.bits});
  forward_.resize(values.size());
  for (ValueId v = 0; v < size32(values); ++v) forward_[v] = v;
  constant_table_.assign(64, kNoValue);
  for (ValueId v = 0; v < size32(values); ++v) {
    if (!is_scalar_constant(v)) continue;
    ValueId found;
    usize place;
    if (find_constant(values[v].type, values[v].bits, found, place)) {
      replace(v, found);
      continue;
    }
    constant_table_[place] = v;
    ++constant_count_;
    grow_constants();
  }
  blocks.resize(f.blocks.size());
  for (BlockId b = 0; b < size32(blocks); ++b) copy_block(f, b);
  settle();
}

void Graph::copy_block(const ir::Function& f, BlockId b) {
  const ir::Block& from = f.blocks[b];
  blocks[b].arguments.reserve(from.argument_count);
  blocks[b].instructions.reserve(f.instructions_of(from).size());
  for (u32 n = 0; n < from.argument_count; ++n)
    blocks[b].arguments.push_back(from.first_argument + n);
  InstId call = kNoInst;
  for (const ir::Instruction& i : f.instructions_of(from)) {
    if (i.op == Op::second) {
      insts[call].second_result = i.result;
      values[i.result].index = call;
      continue;
    }
    const InstId id = size32(insts);
    Inst inst;
    inst.op = i.op, inst.type = i.type, inst.operand_count = i.operand_count;
    inst.first_operand = add_to_pool(f.operands_of(i));
    inst.result = i.result;
    inst.first_edge = size32(all_edges), inst.edge_count = i.edge_count;
    inst.aux = i.aux, inst.imm = i.imm, inst.location = i.location;
    inst.origin = static_cast<u32>(&i - f.instructions.data());
    for (const ir::Edge& e : f.edges_of(i))
      all_edges.push_back({e.block, add_to_pool(f.arguments_of(e)), e.argument_count});
    insts.push_back(inst);
    if (i.result != kNoValue) values[i.result].index = id;
    append(b, id);
    call = id;
  }
}

// ---- Values -------------------------------------------------------------------------------------

u32 Graph::add_to_pool(std::span<const ValueId> ids) {
  const u32 at = size32(pool);
  // The ids may lie in the pool itself.
  const bool own = !ids.empty() && ids.data() >= pool.data() && ids.data() < pool.data() + pool.size();
  if (own) {
    const usize from = static_cast<usize>(ids.data() - pool.data());
    const usize count = ids.size();
    for (usize n = 0; n < count; ++n) pool.push_back(pool[from + n]);
  } else {
    pool.insert(pool.end(), ids.begin(), ids.end());
  }
  return at;
}

ValueId Graph::add_value(Type type, ir::Def def, u32 of) {
  values.push_back({type, def, of, 0});
  forward_.push_back(size32(values) - 1);
  return size32(values) - 1;
}

BlockId Graph::block_of(ValueId v) const {
  switch (values[v].def) {
    case ir::Def::Constant:
      return kNoBlock;
    case ir::Def::BlockArgument:
      return values[v].index;
    case ir::Def::Instruction:
      return insts[values[v].index].block;
  }
  return kNoBlock;
}

bool Graph::find_constant(Type type, u64 bits, ValueId& found, usize& place) const {
  const u64 key = (bits ^ static_cast<u64>(type.kind) << 56) * 0x9e3779b97f4a7c15ull;
  const usize mask = constant_table_.size() - 1;
  for (place = key >> 32 & mask; constant_table_[place] != kNoValue; place = (place + 1) & mask) {
    const Value& v = values[constant_table_[place]];
    if (v.type != type || v.bits != bits) continue;
    found = constant_table_[place];
    return true;
  }
  return false;
}

void Graph::grow_constants() {
  if (constant_count_ * 2 < constant_table_.size()) return;
  std::vector<ValueId> old(constant_table_.size() * 2, kNoValue);
  std::swap(old, constant_table_);
  for (const ValueId v : old) {
    if (v == kNoValue) continue;
    ValueId found;
    usize place;
    find_constant(values[v].type, values[v].bits, found, place);
    constant_table_[place] = v;
  }
}

ValueId Graph::constant(Type scalar, u64 bits) {
  bits = cut(scalar, bits);
  ValueId found;
  usize place;
  if (find_constant(scalar, bits, found, place)) return found;
  const ValueId v = add_value(scalar, ir::Def::Constant, 0);
  values[v].bits = bits;
  constant_table_[place] = v;
  ++constant_count_;
  grow_constants();
  return v;
}

ValueId Graph::vector_constant(Type type, std::span<const u8> bytes) {
  const u32 offset = size32(constant_bytes);
  constant_bytes.insert(constant_bytes.end(), bytes.begin(), bytes.end());
  return add_value(type, ir::Def::Constant, offset);
}

ValueId Graph::splat_constant(Type type, u64 bits) {
  if (!type.is_vector()) return constant(type, bits);
  u8 bytes[ir::kMaxVectorBytes];
  for (u32 i = 0; i < type.bytes(); ++i)
    bytes[i] = static_cast<u8>(bits >> (i % type.element_bytes() * 8));
  return vector_constant(type, {bytes, type.bytes()});
}

ValueId Graph::resolve(ValueId v) {
  ValueId root = v;
  while (forward_[root] != root) root = forward_[root];
  while (forward_[v] != root) {
    const ValueId next = forward_[v];
    forward_[v] = root;
    v = next;
  }
  return root;
}

void Graph::settle() {
  if (!unsettled_) return;
  for (const Block& b : blocks)
    for (const InstId id : b.instructions) {
      Inst& i = insts[id];
      for (ValueId& v : operands(i)) v = resolve(v);
      for (Edge& e : edges(i))
        for (ValueId& v : arguments(e)) v = resolve(v);
    }
  for (ValueId v = 0; v < size32(forward_); ++v) forward_[v] = v;
  unsettled_ = false;
}

// ---- Blocks and instructions --------------------------------------------------------------------

BlockId Graph::add_block() {
  blocks.emplace_back();
  return size32(blocks) - 1;
}

ValueId Graph::add_argument(BlockId block, Type type) {
  const ValueId v = add_value(type, ir::Def::BlockArgument, block);
  blocks[block].arguments.push_back(v);
  return v;
}

InstId Graph::make(Op op, Type type, std::span<const ValueId> ids, u32 aux, i64 imm,
                   ir::Location location) {
  const InstId id = size32(insts);
  Inst i;
  i.op = op, i.type = type, i.aux = aux, i.imm = imm, i.location = location;
  i.operand_count = static_cast<u16>(ids.size());
  i.first_operand = add_to_pool(ids);
  i.first_edge = size32(all_edges);
  insts.push_back(i);
  if (!type.is_void()) insts[id].result = add_value(type, ir::Def::Instruction, id);
  return id;
}

InstId Graph::make_jump(Op op, std::span<const ValueId> ids, std::span<const Jump> jumps,
                        ir::Location location) {
  const InstId id = make(op, {}, ids, 0, 0, location);
  for (const Jump& j : jumps) {
    const u32 first = add_to_pool(j.arguments);
    all_edges.push_back({j.block, first, static_cast<u32>(j.arguments.size())});
  }
  insts[id].edge_count = static_cast<u32>(jumps.size());
  return id;
}

void Graph::set_cases(InstId id, std::span<const u64> of) {
  const std::vector<u64> copy(of.begin(), of.end());  // they may lie in `cases` itself
  insts[id].aux = size32(cases);
  cases.insert(cases.end(), copy.begin(), copy.end());
}

u32 Graph::add_mask(std::span<const u8> lanes) {
  const std::vector<u8> copy(lanes.begin(), lanes.end());
  masks.insert(masks.end(), copy.begin(), copy.end());
  return size32(masks) - static_cast<u32>(copy.size());
}

ValueId Graph::add_second_result(InstId call, Type type) {
  const ValueId v = add_value(type, ir::Def::Instruction, call);
  insts[call].second_result = v;
  return v;
}

void Graph::append(BlockId block, InstId inst) {
  insts[inst].block = block;
  blocks[block].instructions.push_back(inst);
}

void Graph::insert(BlockId block, usize at, InstId inst) {
  insts[inst].block = block;
  auto& list = blocks[block].instructions;
  list.insert(list.begin() + static_cast<std::ptrdiff_t>(at), inst);
}

ValueId Graph::emit_before_end(BlockId block, Op op, Type type,
                               std::initializer_list<ValueId> ids, u32 aux, i64 imm,
                               ir::Location location) {
  const InstId id = make(op, type, ids, aux, imm, location);
  insert(block, blocks[block].instructions.size() - 1, id);
  return insts[id].result;
}

void Graph::set_operands(InstId id, std::span<const ValueId> ids) {
  if (ids.size() <= insts[id].operand_count) {
    std::copy(ids.begin(), ids.end(), pool.begin() + insts[id].first_operand);
  } else {
    const u32 first = add_to_pool(ids);
    insts[id].first_operand = first;
  }
  insts[id].operand_count = static_cast<u16>(ids.size());
}

void Graph::set_arguments(Edge& edge, std::span<const ValueId> ids) {
  if (ids.size() <= edge.argument_count) {
    std::copy(ids.begin(), ids.end(), pool.begin() + edge.first_argument);
  } else {
    edge.first_argument = add_to_pool(ids);
  }
  edge.argument_count = static_cast<u32>(ids.size());
}

void Graph::add_edge_argument(Edge& edge, ValueId value) {
  if (edge.first_argument + edge.argument_count != pool.size())
    edge.first_argument = add_to_pool({pool.data() + edge.first_argument, edge.argument_count});
  pool.push_back(value);
  ++edge.argument_count;
}

void Graph::remove_edge_argument(Edge& edge, u32 n) {
  const auto list = arguments(edge);
  for (u32 k = n; k + 1 < edge.argument_count; ++k) list[k] = list[k + 1];
  --edge.argument_count;
}

void Graph::rewrite(InstId id, Op op, std::span<const ValueId> ids, u32 aux, i64 imm) {
  set_operands(id, ids);
  insts[id].op = op, insts[id].aux = aux, insts[id].imm = imm;
}

void Graph::make_branch(BlockId block, u32 edge) {
  Inst& t = terminator(block);
  t.op = Op::br;
  t.operand_count = 0;
  t.first_edge += edge;
  t.edge_count = 1;
  t.aux = 0;
}

void Graph::make_unreachable(BlockId block) {
  Inst& t = terminator(block);
  t.op = Op::unreachable;
  t.operand_count = 0;
  t.edge_count = 0;
  t.aux = 0;
}

void Graph::remove_argument(BlockId block, u32 n) {
  for (Block& from : blocks) {
    if (from.instructions.empty()) continue;
    for (Edge& e : edges(insts[from.instructions.back()]))
      if (e.block == block) remove_edge_argument(e, n);
  }
  auto& list = blocks[block].arguments;
  list.erase(list.begin() + n);
}

void Graph::remove(InstId inst) {
  auto& list = blocks[insts[inst].block].instructions;
  list.erase(std::find(list.begin(), list.end(), inst));
  insts[inst].block = kNoBlock;
}

BlockId Graph::split(BlockId block, usize at) {
  const BlockId rest = add_block();
  auto& list = blocks[block].instructions;
  blocks[rest].instructions.reserve(list.size() - at);
  for (usize n = at; n < list.size(); ++n) append(rest, list[n]);
  list.resize(at);
  const Jump jump{rest, {}};
  append(block, make_jump(Op::br, {}, {&jump, 1}));
  return rest;
}

BlockId Graph::split_edge(BlockId block, u32 n) {
  const BlockId between = add_block();
  const Edge old = edges(terminator(block))[n];
  const Jump jump{old.block, arguments(old)};
  append(between, make_jump(Op::br, {}, {&jump, 1}, terminator(block).location));
  edges(terminator(block))[n] = {between, 0, 0};
  return between;
}

BlockId Graph::import(const Graph& other, std::vector<ValueId>& values_of) {
  const BlockId first_block = size32(blocks);
  const InstId first_inst = size32(insts);
  values_of.assign(other.values.size(), kNoValue);
  for (ValueId v = 0; v < other.values.size(); ++v) {
    const Value& value = other.values[v];
    if (value.def == ir::Def::BlockArgument)
      values_of[v] = add_value(value.type, value.def, value.index + first_block);
    else if (value.def == ir::Def::Instruction)
      values_of[v] = add_value(value.type, value.def, value.index + first_inst);
    else
      values_of[v] = value.type.is_vector() ? vector_constant(value.type, other.vector_bytes(v))
                                            : constant(value.type, value.bits);
  }
  std::vector<ValueId> ids;
  const auto mapped = [&](std::span<const ValueId> from) {
    ids.clear();
    for (const ValueId v : from) ids.push_back(values_of[v]);
    return add_to_pool(ids);
  };
  for (const Inst& from : other.insts) {
    Inst i = from;
    i.origin = kNoOrigin;
    i.first_operand = mapped(other.operands(from));
    if (i.result != kNoValue) i.result = values_of[i.result];
    if (i.second_result != kNoValue) i.second_result = values_of[i.second_result];
    i.first_edge = size32(all_edges);
    for (const Edge& e : other.edges(from))
      all_edges.push_back({e.block + first_block, mapped(other.arguments(e)), e.argument_count});
    if (i.op == Op::shuffle) i.aux = add_mask(other.mask(from));
    if (i.op == Op::switch_) {
      i.aux = size32(cases);
      for (u32 n = 0; n + 1 < i.edge_count; ++n) cases.push_back(other.cases[from.aux + n]);
    }
    if (i.block != kNoBlock) i.block += first_block;
    insts.push_back(i);
  }
  for (const Block& from : other.blocks) {
    Block b;
    b.arguments.reserve(from.arguments.size());
    b.instructions.reserve(from.instructions.size());
    for (const ValueId v : from.arguments) b.arguments.push_back(values_of[v]);
    for (const InstId i : from.instructions) b.instructions.push_back(i + first_inst);
    blocks.push_back(std::move(b));
  }
  return first_block;
}

// ---- Facts --------------------------------------------------------------------------------------

std::vector<u32> count_uses(const Graph& graph) {
  std::vector<u32> uses(graph.values.size());
  for (const Block& b : graph.blocks)
    for (const InstId id : b.instructions) {
      const Inst& i = graph.insts[id];
      for (const ValueId v : graph.operands(i)) ++uses[v];
      for (const Edge& e : graph.edges(i))
        for (const ValueId v : graph.arguments(e)) ++uses[v];
    }
  return uses;
}

bool removable(const Inst& inst) {
  const ir::Effects effects = ir::op_info(inst.op).effects;
  return effects == ir::Effects::Pure || effects == ir::Effects::Reads;
}

bool movable(const Inst& inst) {
  return ir::op_info(inst.op).effects == ir::Effects::Pure && inst.op != Op::stack_alloc;
}

}  // namespace bf::passes
