"""Where things are. Everything that is made lives in the build directory."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# BAREFLOW_BUILD names another build directory, relative to the caller.
BUILD = Path(os.environ.get("BAREFLOW_BUILD") or ROOT / "build").absolute()

DEFAULT_MODEL = ROOT / "models" / "story.gguf"

HOST_ENGINE = BUILD / "src" / "bf-host"
NATIVE_PROGRAM = BUILD / "src" / "inference" / "bf-native"
PROGRAM = BUILD / "src" / "inference" / "program.bfir"
LOWER_TOOL = BUILD / "src" / "microjit" / "lower" / "bf-lower"
RUN_TOOL = BUILD / "src" / "tools" / "bf-run"
GGUF_TOOL = BUILD / "src" / "tools" / "gguf" / "bf-gguf"
# What only benchmarks need.
LIMITS = BUILD / "bench" / "machine-limits"
KERNELS_BENCH = BUILD / "bench" / "kernels-bench"
ORC_PEER = BUILD / "bench" / "orc-peer"
ENGINE_COST = BUILD / "bench" / "engine-cost"
# What goes onto discs, and the same with symbols for gdb.
KERNEL = BUILD / "src" / "boot" / "bareflow.stripped.elf"
KERNEL_SYMBOLS = BUILD / "src" / "boot" / "bareflow.elf"


def target(path):
    """The name that ninja has for a file of the build directory."""
    return str(path.relative_to(BUILD))
