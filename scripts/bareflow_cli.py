"""The way in from ./bareflow: parses the command line, and calls the module of the command."""

import importlib
import os
import sys

from cli import arguments
from cli.report import INTERRUPTED, NOBODY_READS, Failure


def open_missing_streams():
    """What is closed leads nowhere, here and in what is started. In the order of their numbers,
    because a file that is opened gets the lowest one that is free."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)
            os.set_inheritable(nothing, True)
            setattr(sys, name, os.fdopen(nothing, mode))


def main():
    open_missing_streams()
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
