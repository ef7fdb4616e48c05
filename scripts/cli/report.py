"""What the command line says: progress on standard error, and errors that end it.

Standard output belongs to the product (prompt and generated text, results of `test` and `bench`).
"""

import sys
import time

BAD_INPUT = 1
USAGE = 2
# As a shell reports SIGINT and SIGPIPE.
INTERRUPTED = 130
NOBODY_READS = 141


class Failure(Exception):
    """Ends the command with one line for the user and an exit status."""

    def __init__(self, message, status=BAD_INPUT):
        super().__init__(message)
        self.status = status


def say(text):
    """One line of progress."""
    print(f"bareflow: {text}", file=sys.stderr, flush=True)


class Step:
    """A piece of work that takes a while: says so, and how long it took.

        with Step('making the disc'):
            ...
    """

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        say(f"{self.text} ...")
        self.start = time.monotonic()
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            say(f"{self.text}: done in {time.monotonic() - self.start:.1f} s")
