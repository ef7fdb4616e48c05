"""Runs work in engines, by turns.

    warm_up(engine, "generate", 32)
    times = in_turn([bareflow, llama], "generate", 32, repeat=5)   # {name: [nanoseconds]}
"""

import statistics
import time

ENOUGH = 0.02        # less than that is no progress
QUIET_ROUNDS = 3     # without progress, in a row
MOST_SECONDS = 40
FIRST_TOKENS = 32    # that are timed one by one
# llama.cpp's threads go on looking for work for a tenth of a second, on the processors that the next one
# needs.
REST_SECONDS = 0.5


def warm_up(engine, work, tokens):
    """Until the best time stays what it is: code is compiled and tuned while work is done."""
    start, best, quiet = time.monotonic(), None, 0
    while quiet < QUIET_ROUNDS and time.monotonic() - start < MOST_SECONDS:
        took = engine.run(work, tokens)
        quiet = quiet + 1 if best is not None and took > best * (1 - ENOUGH) else 0
        best = took if best is None else min(best, took)


def first_tokens(engine):
    """Of an engine that has done nothing yet, token by token: how long each takes, the time that this
    comes to, and the first token that is as fast as 95 % of that."""
    times = [engine.run("generate", 1) for _ in range(FIRST_TOKENS)]
    final = statistics.median(times[-FIRST_TOKENS // 2:])
    fast = next(n for n, took in enumerate(times, 1) if took * 0.95 <= final)
    return {"nanoseconds": times, "final": final, "fast_from": fast}


def in_turn(engines, work, tokens, repeat):
    """Who goes first changes each time; before each run there is a rest."""
    times = {engine.name: [] for engine in engines}
    for round_number in range(repeat):
        for engine in engines if round_number % 2 == 0 else reversed(engines):
            time.sleep(REST_SECONDS)
            times[engine.name].append(engine.run(work, tokens))
    return times


def speeds(times, tokens):
    """Tokens a second: of each run, mean, deviation, best."""
    each = [tokens * 1e9 / took for took in times]
    return {"tokens_per_second": [round(speed, 3) for speed in each],
            "mean": statistics.fmean(each), "best": max(each),
            "deviation": statistics.stdev(each) if len(each) > 1 else 0.0}


def ratio(ours, theirs):
    """How many times as fast: the median over the pairs."""
    return statistics.median(b / a for a, b in zip(ours, theirs))
