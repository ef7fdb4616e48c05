"""The way in from ./bareflow: parses the command line, and calls the module of the command."""

import importlib
import signal
import sys

from cli import arguments
from cli.report import INTERRUPTED, Failure


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    parsed = arguments.parse(sys.argv[1:])
    try:
        return importlib.import_module(f"cli.{parsed.command}").main(parsed) or 0
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
