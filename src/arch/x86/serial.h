// A 16550 serial port: 115200 baud, 8 data bits, no parity, one stop bit. Sending is polled; what comes in
// is queued when somebody looks, sends, or the port interrupts.
#pragma once

#include <atomic>
#include <string_view>

#include "arch/x86/input_queue.h"
#include "runtime/base.h"

namespace bf::x86 {

inline constexpr u32 kSerialPortCount = 4;

// How either end makes the other one wait.
enum class SerialFlow : u8 {
  None,
  Lines,  // RTS and CTS
  Codes,  // XON and XOFF, which are no input then
};

class SerialPort {
 public:
  constexpr explicit SerialPort(u16 base) : base_(base) {}

  // Sets the port up; false if there is none. Only a port that is there may be used further.
  bool start();
  bool present() const { return present_; }

  // Until then: Lines, if the other end holds CTS when start() looks, or else None.
  void set_flow(SerialFlow flow) { flow_ = flow; }

  // Sends all bytes, '\n' as "\r\n" if `carriage_returns`. Waits for a slow reader, and for one that
  // makes it wait, but not for ever: then bytes are dropped until they are wanted again. A
  // transmitter that stays busy is given up for good.
  void write(std::string_view bytes, bool carriage_returns);
  // Waits until everything has left the port.
  void flush();

  // The port's line (serial_line) is raised while there is something to read.
  void interrupt_on_input();

  bool can_read();
  u8 read();  // only if can_read()

  // Takes in what has come, on any core. read() is for one core, the one that the port interrupts.
  void pump();

 private:
  bool is_held();
  bool wait_until_wanted();
  bool wait_for(u8 line_status_bits);
  void put(u8 byte);
  void let_send(bool on);

  u16 base_;
  bool present_ = false;
  SerialFlow flow_ = SerialFlow::None;
  bool held_ = false;  // by an XOFF
  bool drops_ = false;
  std::atomic_flag queue_;  // taken by who changes input_; an NMI finds it taken and goes on
  InputQueue input_;
  u32 room_ = 0;  // bytes that fit into the transmit queue without asking again
};

// The interrupt line of a PC that a port hangs on.
u32 serial_line(const SerialPort& port);

// COM1 to COM4 as numbers 0 to 3.
SerialPort& serial_port(u32 number);

}  // namespace bf::x86
