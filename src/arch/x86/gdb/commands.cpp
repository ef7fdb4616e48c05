#include "arch/x86/gdb/commands.h"

#include <algorithm>
#include <cstring>

#include "arch/x86/gdb/target_description.h"

namespace bf::x86::gdb {

namespace {

using Then = Commands::Then;

constexpr u32 kNotThere = 1, kBadAddress = 14, kBadUse = 22;  // EPERM, EFAULT, EINVAL

// Takes what is expected off the front of a packet.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_hex(u64& number) {
    number = 0;
    usize digits = 0;
    while (digits < rest_.size() && digit_value(rest_[digits]) >= 0 && digits < 16)
      number = number << 4 | static_cast<u64>(digit_value(rest_[digits++]));
    rest_.remove_prefix(digits);
    return digits > 0;
  }
  // The id of a thread: 0 stands for any, all for -1.
  bool take_thread(u64& thread, bool& all) {
    all = rest_.starts_with("-1");
    if (all) rest_.remove_prefix(2);
    return all || take_hex(thread);
  }
  // So many bytes, two digits each.
  bool take_bytes(std::span<u8> bytes) {
    if (rest_.size() < 2 * bytes.size()) return false;
    for (u8& byte : bytes) {
      const int high = digit_value(rest_[0]), low = digit_value(rest_[1]);
      if (high < 0 || low < 0) return false;
      byte = static_cast<u8>(high << 4 | low);
      rest_.remove_prefix(2);
    }
    return true;
  }
  // Up to the character, which goes with it, or to the end.
  std::string_view take_until(char c) {
    const usize end = std::min(rest_.find(c), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return word;
  }
  std::string_view rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace

// ---- Answers

void Commands::put(char c) {
  if (size_ < sizeof answer_) answer_[size_++] = c;
}

void Commands::put(std::string_view text) {
  for (const char c : text) put(c);
}

void Commands::put_hex(u64 number) {
  int shift = 60;
  while (shift > 0 && (number >> shift & 15) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) put(kDigits[number >> shift & 15]);
}

void Commands::put_bytes(std::span<const u8> bytes) {
  for (const u8 byte : bytes) {
    put(kDigits[byte >> 4]);
    put(kDigits[byte & 15]);
  }
}

Then Commands::say(std::string_view text) {
  put(text);
  return Then::Answer;
}

Then Commands::fail(u32 number) {
  size_ = 0;
  put('E');
  const u8 byte = static_cast<u8>(number);
  put_bytes({&byte, 1});
  return Then::Answer;
}

// ---- Stops

void Commands::stopped(const Stop& stop) {
  stop_ = stop;
  thread_ = stop.thread;
  running_thread_ = 0;
}

void Commands::put_stop() {
  put('T');
  const u8 signal = stop_.signal;
  put_bytes({&signal, 1});
  put("thread:");
  put_hex(stop_.thread);
  put(';');
  // What a debugger looks at first, so that it need not ask for all.
  for (const u32 number : {u32{k_rbp}, u32{k_rsp}, u32{k_rip}}) {
    put_hex(number);
    put(':');
    put_register(stop_.thread, number);
    put(';');
  }
  if (!stop_.at_breakpoint) return;
  constexpr const char* kNames[] = {"swbreak:", "hwbreak:", "watch:", "rwatch:", "awatch:"};
  put(kNames[static_cast<u32>(stop_.kind)]);
  if (stop_.kind >= Breakpoint::Write) put_hex(stop_.address);
  put(';');
}

std::string_view Commands::stop_text() {
  size_ = 0;
  put_stop();
  return answer();
}

Then Commands::last_stop(std::string_view) {
  put_stop();
  return Then::Answer;
}

// ---- Registers

void Commands::put_register(u32 thread, u32 number) {
  u8 bytes[kMostRegisterBytes];
  const std::span<u8> value(bytes, kRegisters[number].bytes);
  if (target_.read_register(thread, number, value)) put_bytes(value);
  else
    for (usize i = 0; i < value.size(); ++i) put("xx");
}

Then Commands::read_registers(std::string_view) {
  for (u32 i = 0; i < register_count(); ++i) put_register(thread_, i);
  return Then::Answer;
}

Then Commands::write_registers(std::string_view arguments) {
  Words words(arguments);
  u8 bytes[kMostRegisterBytes];
  for (u32 i = 0; i < register_count() && !words.at_end(); ++i) {
    const std::span<u8> value(bytes, kRegisters[i].bytes);
    if (!words.take_bytes(value)) return fail(kBadUse);
    (void)target_.write_register(thread_, i, value);  // what cannot be changed stays
  }
  return ok();
}

Then Commands::read_register(std::string_view arguments) {
  Words words(arguments);
  u64 number = 0;
  if (!words.take_hex(number) || !words.at_end() || number >= register_count()) return fail(kBadUse);
  put_register(thread_, static_cast<u32>(number));
  return Then::Answer;
}

Then Commands::write_register(std::string_view arguments) {
  Words words(arguments);
  u64 number = 0;
  if (!words.take_hex(number) || !words.take('=') || number >= register_count()) return fail(kBadUse);
  u8 bytes[kMostRegisterBytes];
  const std::span<u8> value(bytes, kRegisters[number].bytes);
  if (!words.take_bytes(value) || !words.at_end()) return fail(kBadUse);
  return target_.write_register(thread_, static_cast<u32>(number), value) ? ok() : fail(kNotThere);
}

// ---- Memory

Then Commands::read_memory(std::string_view arguments) {
  Words words(arguments);
  u64 address = 0, count = 0;
  if (!words.take_hex(address) || !words.take(',') || !words.take_hex(count) || !words.at_end())
    return fail(kBadUse);
  u8 bytes[kMostPacketBytes / 2];
  const usize read = target_.read_memory(address, {bytes, std::min<u64>(count, sizeof bytes)});
  if (read == 0 && count != 0) return fail(kBadAddress);
  put_bytes({bytes, read});
  return Then::Answer;
}

Then Commands::write_memory(std::string_view arguments) {
  Words words(arguments);
  u64 address = 0, count = 0;
  u8 bytes[kMostPacketBytes / 2];
  if (!words.take_hex(address) || !words.take(',') || !words.take_hex(count) || !words.take(':') ||
      count > sizeof bytes || !words.take_bytes({bytes, count}) || !words.at_end())
    return fail(kBadUse);
  return target_.write_memory(address, {bytes, count}) ? ok() : fail(kBadAddress);
}

Then Commands::write_binary(std::string_view arguments) {
  Words words(arguments);
  u64 address = 0, count = 0;
  if (!words.take_hex(address) || !words.take(',') || !words.take_hex(count) || !words.take(':') ||
      words.rest().size() != count)
    return fail(kBadUse);
  const std::span bytes(reinterpret_cast<const u8*>(words.rest().data()), words.rest().size());
  return target_.write_memory(address, bytes) ? ok() : fail(kBadAddress);
}

// ---- Breakpoints

Then Commands::change_breakpoint(std::string_view arguments,
                                 bool (Target::*change)(Breakpoint, u64, u64)) {
  Words words(arguments);
  u64 kind = 0, address = 0, bytes = 0;
  if (!words.take_hex(kind) || !words.take(',') || !words.take_hex(address) || !words.take(',') ||
      !words.take_hex(bytes))
    return fail(kBadUse);
  if (kind > static_cast<u64>(Breakpoint::Access)) return Then::Answer;  // not known
  return (target_.*change)(static_cast<Breakpoint>(kind), address, bytes) ? ok() : fail(kNotThere);
}

Then Commands::insert(std::string_view arguments) {
  return change_breakpoint(arguments, &Target::insert);
}

Then Commands::remove(std::string_view arguments) {
  return change_breakpoint(arguments, &Target::remove);
}

// ---- Threads

u64 Commands::all_threads() {
  const u32 count = target_.thread_count();
  return count >= 64 ? ~u64{0} : (u64{1} << count) - 1;
}

Then Commands::choose_thread(std::string_view arguments) {
  Words words(arguments);
  const bool for_registers = words.take('g');
  u64 thread = 0;
  bool all = false;
  if ((!for_registers && !words.take('c')) || !words.take_thread(thread, all)) return fail(kBadUse);
  const bool any = all || thread == 0;
  if (!any && !is_thread(thread)) return fail(kNotThere);
  if (for_registers) thread_ = any ? stop_.thread : static_cast<u32>(thread);
  else running_thread_ = any ? 0 : static_cast<u32>(thread);
  return ok();
}

Then Commands::is_alive(std::string_view arguments) {
  Words words(arguments);
  u64 thread = 0;
  return words.take_hex(thread) && is_thread(thread) ? ok() : fail(kNotThere);
}

Then Commands::list_threads(std::string_view) {
  put('m');
  for (u32 thread = 1; thread <= target_.thread_count(); ++thread) {
    if (thread > 1) put(',');
    put_hex(thread);
  }
  return Then::Answer;
}

Then Commands::end_list(std::string_view) {
  return say("l");
}

Then Commands::describe_thread(std::string_view arguments) {
  Words words(arguments);
  u64 thread = 0;
  if (!words.take_hex(thread) || !is_thread(thread)) return fail(kNotThere);
  const std::string_view text = target_.thread_text(static_cast<u32>(thread));
  put_bytes({reinterpret_cast<const u8*>(text.data()), text.size()});
  return Then::Answer;
}

Then Commands::current_thread(std::string_view) {
  put("QC");
  put_hex(stop_.thread);
  return Then::Answer;
}

// ---- Going on

// c and s, perhaps with an address to go on at.
Then Commands::go(std::string_view arguments, u64 Resumption::*how) {
  const u32 thread = running_thread_ != 0 ? running_thread_ : stop_.thread;
  if (!arguments.empty()) {
    Words words(arguments);
    u64 address = 0;
    u8 bytes[8];
    if (!words.take_hex(address) || !words.at_end()) return fail(kBadUse);
    std::memcpy(bytes, &address, sizeof bytes);
    if (!target_.write_register(thread, k_rip, bytes)) return fail(kNotThere);
  }
  resumption_ = {};
  resumption_.run = running_thread_ != 0 ? 0 : all_threads();
  const u64 bit = u64{1} << (thread - 1);
  resumption_.run &= ~bit;
  resumption_.*how |= bit;
  return Then::Resume;
}

Then Commands::go_on(std::string_view arguments) {
  return go(arguments, &Resumption::run);
}

Then Commands::step(std::string_view arguments) {
  return go(arguments, &Resumption::step);
}

Then Commands::tell_actions(std::string_view) {
  return say("vCont;c;C;s;S");
}

// One action of vCont, such as "s:2" or "c": for threads that none before it was for. Signals that
// come with it mean nothing here.
bool Commands::add_action(std::string_view text, u64& decided) {
  Words words(text);
  bool steps = false;
  u64 signal = 0;
  if (words.take('C') || (steps = words.take('S'))) {
    if (!words.take_hex(signal)) return false;
  } else if (!words.take('c') && !(steps = words.take('s'))) {
    return false;
  }
  u64 threads = all_threads(), thread = 0;
  bool all = true;
  if (words.take(':')) {
    if (!words.take_thread(thread, all)) return false;
    if (!all && thread == 0) thread = stop_.thread;
    if (!all && !is_thread(thread)) return false;
    if (!all) threads = u64{1} << (thread - 1);
  }
  if (!words.at_end()) return false;
  threads &= ~decided;
  decided |= threads;
  (steps ? resumption_.step : resumption_.run) |= threads;
  return true;
}

Then Commands::act(std::string_view arguments) {
  Words words(arguments);
  resumption_ = {};
  u64 decided = 0;
  while (!words.at_end())
    if (!add_action(words.take_until(';'), decided)) return fail(kBadUse);
  return decided != 0 ? Then::Resume : fail(kBadUse);
}

Then Commands::kill(std::string_view) {
  return Then::Kill;
}

Then Commands::kill_politely(std::string_view) {
  (void)ok();
  return Then::Kill;
}

Then Commands::detach(std::string_view) {
  target_.remove_all();
  resumption_ = {all_threads(), 0};
  (void)ok();
  return Then::Detach;
}

// ---- Questions about us

Then Commands::tell_features(std::string_view) {
  put("PacketSize=");
  put_hex(kMostPacketBytes);
  return say(";qXfer:features:read+;swbreak+;hwbreak+;vContSupported+;QStartNoAckMode+");
}

Then Commands::stop_acknowledging(std::string_view) {
  acknowledges_ = false;
  return ok();
}

Then Commands::describe_target(std::string_view arguments) {
  Words words(arguments);
  u64 offset = 0, count = 0;
  if (!words.take_hex(offset) || !words.take(',') || !words.take_hex(count) || !words.at_end())
    return fail(kBadUse);
  // Half of what fits: bytes may have to be escaped.
  const usize most = std::min<u64>(count, kMostPacketBytes / 2);
  size_ = 1 + read_target_description(target_.has_avx(), offset, answer_ + 1, most);
  answer_[0] = size_ == 1 + most && most != 0 ? 'm' : 'l';
  return Then::Answer;
}

Then Commands::is_attached(std::string_view) {
  return say("1");
}

// ---- All of them

namespace {

enum class Match : u8 { Whole, Start };

bool fits(std::string_view packet, std::string_view text, Match match) {
  return match == Match::Whole ? packet == text : packet.starts_with(text);
}

}  // namespace

Then Commands::handle(std::string_view packet) {
  size_ = 0;
#define BF_GDB_COMMAND(text, match, function)   \
  if (fits(packet, text, Match::match))         \
    return function(packet.substr(sizeof text - 1));
#include "arch/x86/gdb/commands.def"
#undef BF_GDB_COMMAND
  return Then::Answer;
}

}  // namespace bf::x86::gdb
