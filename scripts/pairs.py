"""Rows that hold every pair of values of any two axes: most of what a full product finds, in a tenth
of its rows.

    covering({"firmware": ("bios", "uefi"), "cores": (1, 2, 8), "disk": ("ahci", "nvme")}, seed=1)

Greedy: a row begins with a pair that no row has yet, and takes for each other axis the value that
adds the most new pairs; of many rows begun that way the best one stays. Where values are worth the
same the first of its axis is taken, so that what comes first comes most often: put what is cheap
there.
"""

import itertools
import random

TRIES = 100


def all_pairs(axes):
    """Every pair of values of two axes, as ((axis, value), (axis, value))."""
    return {((one, a), (other, b)) for one, other in itertools.combinations(axes, 2)
            for a in axes[one] for b in axes[other]}


def pairs_of(row):
    """The pairs in one row, a dictionary in the order of the axes."""
    return set(itertools.combinations(row.items(), 2))


def _in_order(axes, row):
    return {axis: row[axis] for axis in axes if axis in row}


def _begun(axes, pair, open_pairs, chance):
    row = dict(pair)
    others = [axis for axis in axes if axis not in row]
    chance.shuffle(others)
    for axis in others:
        row[axis] = max(axes[axis], key=lambda value: len(
            pairs_of(_in_order(axes, {**row, axis: value})) & open_pairs))
    return _in_order(axes, row)


def covering(axes, seed):
    """Rows, each a dictionary of axis to value; the same ones for the same seed."""
    chance = random.Random(seed)
    open_pairs = all_pairs(axes)
    rows = []
    while open_pairs:
        ordered = sorted(open_pairs, key=repr)
        tries = [_begun(axes, chance.choice(ordered), open_pairs, chance) for _ in range(TRIES)]
        rows.append(max(tries, key=lambda row: len(pairs_of(row) & open_pairs)))
        open_pairs -= pairs_of(rows[-1])
    return rows


def product(axes):
    """All rows there are."""
    return [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
