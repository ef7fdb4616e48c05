"""Our compilers against LLVM's -O2 code generation, for the same bitcode.

Both sides compile every function several times in one process, and the least time counts: neither
pays for cold caches or for memory that is touched for the first time. That is done in rounds, some
time apart, because a machine that is busy elsewhere is slow for longer than one of them. Of LLVM
only code generation is counted (ORC's compiler, IR to object file), for whole modules, which spares
it a start per function; of ours everything from IR to code that can be called.
"""

import json
import subprocess

from cli.report import say

from .speed import geometric_mean

TIMES = {"ours": 30, "llvm": 2}
ROUNDS = 3


def _json_of(*command):
    """What a tool of ours prints, or None if it fails."""
    process = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    return json.loads(process.stdout) if process.returncode == 0 else None


def _least(rounds):
    """The functions of several rounds, each with the least time that it took in any of them."""
    return [dict(same[0], ns=min(function["ns"] for function in same)) for same in zip(*rounds)]


def _llvm(rounds):
    """What LLVM needs, of its answers."""
    return {"ns": min(answer["module_ns"] for answer in rounds),
            "functions": {f["name"]: f["ns"] for f in _least([a["functions"] for a in rounds])}}


def _ours(rounds):
    """Nanoseconds and bytes of one tier for a program, or None if it cannot compile all of it."""
    if not all(rounds) or any(f["ns"] == 0 for answer in rounds for f in answer["functions"]):
        return None
    functions = _least([answer["functions"] for answer in rounds])
    return {"ns": sum(f["ns"] for f in functions), "bytes": sum(f["bytes"] for f in functions),
            "ir_instructions": sum(f["instructions"] for f in functions),
            "functions": {f["name"]: f["ns"] for f in functions}}


def measure(tools, programs, tiers):
    """Nanoseconds by program for LLVM and each tier, and how many times faster than LLVM ours is."""
    results = {}
    for program in programs:
        llvm, ours = [], {tier: [] for tier in tiers}
        for _ in range(ROUNDS):
            llvm.append(_json_of(tools.orc, "compile", TIMES["llvm"], program.bitcode))
            for tier in tiers:
                ours[tier].append(
                    _json_of(tools.cost, "compile", tier, TIMES["ours"], program.image))
        row = {"llvm": _llvm(llvm)}
        for tier in tiers:
            if found := _ours(ours[tier]):
                row[tier] = dict(found, faster=row["llvm"]["ns"] / found["ns"])
        results[program.name] = row
        say(f"compiling {program.name}: LLVM {row['llvm']['ns'] / 1e6:.1f} ms, " + ", ".join(
            f"{tier} {row[tier]['faster']:.0f} times faster" if tier in row else f"{tier} fails"
            for tier in tiers))
    return {"programs": results, "totals": {tier: _total(results, tier) for tier in tiers}}


def _total(results, tier):
    """Over all programs that the tier compiles: the ratio of the sums, and the means."""
    rows = [row for row in results.values() if tier in row]
    if not rows:
        return None
    ours = sum(row[tier]["ns"] for row in rows)
    instructions = sum(row[tier]["ir_instructions"] for row in rows)
    return {"faster": sum(row["llvm"]["ns"] for row in rows) / ours,
            "least_faster": min(row[tier]["faster"] for row in rows),
            "geomean_faster": geometric_mean([row[tier]["faster"] for row in rows]),
            "ns_per_ir_instruction": ours / instructions,
            "llvm_ns_per_ir_instruction": sum(row["llvm"]["ns"] for row in rows) / instructions,
            "bytes_per_ir_instruction": sum(row[tier]["bytes"] for row in rows) / instructions,
            "programs": len(rows)}
