// Loops that can be left for a better version of them (resume.h).
#include "microjit/passes/cfg.h"
#include "microjit/passes/graph.h"
#include "microjit/resume.h"

namespace bf::microjit {

namespace {

using ir::Op;
using ir::Type;
using passes::BlockId;
using passes::Cfg;
using passes::Graph;
using passes::InstId;
using passes::ValueId;

constexpr Type kPointer{ir::Kind::Ptr, 1};
constexpr Type kI1{ir::Kind::I1, 1};

class Poller {
 public:
  Poller(const ir::Module& module, const ir::Function& f, u32 type)
      : module_(module), f_(f), type_(type), g_(module, f) {}

  ir::Function run() {
    const Cfg cfg(g_);
    std::vector<BlockId> headers;
    for (const Cfg::Loop& loop : cfg.loops()) headers.push_back(loop.header);
    const std::vector<ResumePoint> points = resume_points(f_, headers);
    u32 bytes = 0;
    for (const ResumePoint& p : points) bytes = p.bytes > bytes ? p.bytes : bytes;
    if (points.empty()) return f_;
    const InstId alloc = g_.make(Op::stack_alloc, kPointer, {}, 6, bytes == 0 ? 8 : bytes);
    state_ = g_.insts[alloc].result;
    g_.insert(0, 0, alloc);
    for (const ResumePoint& point : points)
      for (const Cfg::Predecessor& p : cfg.predecessors(point.block))
        if (cfg.dominates(point.block, p.block)) poll(point, p);
    return g_.to_function();
  }

 private:
  void poll(const ResumePoint& point, const Cfg::Predecessor& from) {
    const ir::Location location = g_.terminator(from.block).location;
    const BlockId between = g_.split_edge(from.block, from.edge);
    const BlockId leave = leaving(point, between, location);
    const InstId old = g_.blocks[between].instructions.back();
    g_.remove(old);
    const InstId question = g_.make(Op::loop_poll, kPointer, {}, point.block, 0, location);
    const ValueId entry = g_.insts[question].result;
    g_.append(between, question);
    const InstId compare =
        g_.make(Op::eq, kI1, {entry, g_.constant(kPointer, 0)}, 0, 0, location);
    const ValueId stay = g_.insts[compare].result;
    g_.append(between, compare);
    const std::vector<ValueId> arguments(
        g_.arguments(g_.edges(g_.insts[old])[0]).begin(),
        g_.arguments(g_.edges(g_.insts[old])[0]).end());
    const Graph::Jump jumps[] = {{point.block, arguments}, {leave, {}}};
    g_.append(between, g_.make_jump(Op::br_if, {&stay, 1}, jumps, location));
    call(leave, entry, location);
  }

  // Stores the state as the edge to the header would leave it.
  BlockId leaving(const ResumePoint& point, BlockId between, ir::Location location) {
    const BlockId leave = g_.add_block();
    for (const ResumeValue& v : point.values) {
      ValueId value = v.value;
      const auto& of_header = g_.blocks[point.block].arguments;
      for (u32 n = 0; n < of_header.size(); ++n)
        if (of_header[n] == v.value) value = g_.arguments(g_.edges(g_.terminator(between))[0])[n];
      g_.append(leave, g_.make(Op::store, {}, {value, state_}, 3, v.offset, location));
    }
    return leave;
  }

  void call(BlockId leave, ValueId entry, ir::Location location) {
    const auto& results = module_.types[f_.type].results;
    const InstId call =
        g_.make(Op::call_indirect, results.empty() ? Type{} : Type{results[0]}, {entry, state_},
                type_, 0, location);
    g_.append(leave, call);
    std::vector<ValueId> values;
    if (!results.empty()) values.push_back(g_.insts[call].result);
    if (results.size() > 1) values.push_back(g_.add_second_result(call, Type{results[1]}));
    g_.append(leave, g_.make(Op::ret, {}, values, 0, 0, location));
  }

  const ir::Module& module_;
  const ir::Function& f_;
  const u32 type_;
  Graph g_;
  ValueId state_ = 0;
};

}  // namespace

ir::Function with_loop_polls(const ir::Module& module, const ir::Function& function, u32 type) {
  return Poller(module, function, type).run();
}

}  // namespace bf::microjit
