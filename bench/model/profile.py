"""Where the cycles go: the engine's profile (docs/profile.md), as shares."""

import json
import re

SHOWN = 8


def _short(name):
    """Without template arguments, parameters and the namespace that all have in common."""
    name = re.sub(r"\(anonymous namespace\)::", "", name)
    lambda_of = re.search(r"(\w+(?:::\w+)?)\([^()]*\)::(?:\$_\d+|'lambda)", name)
    if lambda_of:
        return f"{lambda_of.group(1)}, a part"
    return re.sub(r"^inference::", "", re.split(r"[<(]", name)[0])


def shares(file):
    """[(function, tier, share of all cycles)], the largest first; the rest as one."""
    with open(file) as profile:
        functions = json.load(profile)["functions"]
    total = sum(function["cycles"]["self"] for function in functions) or 1
    rows = [(_short(function["name"]), function["tier"], function["cycles"]["self"] / total)
            for function in functions]
    rows.sort(key=lambda row: -row[2])
    rest = sum(row[2] for row in rows[SHOWN:])
    return rows[:SHOWN] + ([("all others", "", rest)] if rest else [])
