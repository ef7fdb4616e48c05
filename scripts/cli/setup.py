"""`./bareflow setup`: the packages, and nothing else."""

from cli import packages
from cli.report import USAGE, Failure, say

SETS = {"host": packages.HOST_SET, "iso": packages.ISO_SET, "run": packages.RUN_SET,
        "exec": packages.BUILD,
        "gdb": packages.GDB_SET, "test": packages.TEST_SET, "bench": packages.BENCH_SET + packages.LLVM_PEER}


def main(arguments):
    unknown = sorted(set(arguments.commands) - set(SETS))
    if unknown:
        raise Failure(f"setup: no such command: {unknown[0]} (there are {', '.join(SETS)})", USAGE)
    chosen = arguments.commands or SETS
    names = list(dict.fromkeys(name for command in chosen for name in SETS[command]))
    if arguments.show:
        for name in packages.missing(names):
            print(name)
        return
    packages.require(names)
    say("all packages are there")
