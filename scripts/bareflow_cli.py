"""The way in from ./bareflow: parses the command line, and calls the module of the command."""

import importlib
import os
import sys

from cli import arguments
from cli.report import INTERRUPTED, NOBODY_READS, Failure


def open_missing_input():
    """Without a standard input there is an empty one, here and in what is started."""
    if sys.stdin is None:
        nothing = os.open(os.devnull, os.O_RDONLY)  # gets the lowest number: that of the input
        os.set_inheritable(nothing, True)
        sys.stdin = os.fdopen(nothing)


def main():
    open_missing_input()
    parsed = arguments.parse(sys.argv[1:])
    try:
        return importlib.import_module(f"cli.{parsed.command}").main(parsed) or 0
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing left to flush
        return NOBODY_READS


if __name__ == "__main__":
    sys.exit(main())
