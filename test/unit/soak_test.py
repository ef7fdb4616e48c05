#!/usr/bin/env python3
"""A short soak in a Linux process: thousands of tokens, with stops and restarts, and no memory lost.

    soak_test.py BF_HOST PROGRAM MODEL
"""
import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from cli import soak  # noqa: E402

TOKENS, SETTLED, SEED = 12_000, 6_000, 7
HISTORY_BYTES = 32 * 512


def main():
    engine, program, model = map(os.path.abspath, sys.argv[1:4])
    soak.places.HOST_ENGINE, soak.places.PROGRAM = engine, program
    line = soak.process_for(argparse.Namespace(smp=1), model, SEED)
    samples, counts, talk = soak.soak(lambda text, log: soak.Process(line, text, log), TOKENS, SEED, 0, SETTLED,
                                      lambda sample: print(soak.line_of(sample)))
    assert talk.tokens >= TOKENS and min(counts.prompts, counts.stops, counts.restarts) > 0, counts
    first, last = samples[0], samples[-1]
    assert last.free >= first.free - soak.HOST_CHUNKS, f"memory was lost: {first} {last}"
    # What the program has of the heap between two conversations is the same, but for the lines of its history.
    assert last.heap_used <= first.heap_used + HISTORY_BYTES, f"blocks were lost: {first} {last}"


if __name__ == "__main__":
    main()
