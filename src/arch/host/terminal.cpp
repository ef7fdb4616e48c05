#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "arch/host/bring_up.h"
#include "arch/host/command_line.h"
#include "runtime/options.h"

namespace bf::host {

namespace {

termios original;
bool changed = false;

// Signals that end the process and would leave the terminal without echo.
constexpr int kDeadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};

void restore_and_die(int signal_number) {
  restore_terminal();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// Ctrl-C and the line's edit keys arrive as bytes; output keeps its translation of '\n'.
termios unedited(termios settings) {
  settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
  settings.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  return settings;
}

}  // namespace

void start_terminal() {
  if (options::find("interactive") != "1" || tcgetattr(STDIN_FILENO, &original) != 0) return;
  const termios settings = unedited(original);
  if (tcsetattr(STDIN_FILENO, TCSANOW, &settings) != 0) return;
  changed = true;
  atexit(restore_terminal);
  for (int number : kDeadly) signal(number, restore_and_die);
}

void restore_terminal() {
  if (changed) tcsetattr(STDIN_FILENO, TCSANOW, &original);
  changed = false;
}

u32 terminal_columns() {
  winsize size = {};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool text_is_on_terminal() {
  const char* const kind = getenv("TERM");
  const char* const plain = getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && kind != nullptr && strcmp(kind, "dumb") != 0 &&
         (plain == nullptr || plain[0] == 0);
}

}  // namespace bf::host
