"""Kernels one by one, at 80 columns.

    for line in table(result): print(line)
"""

import math

# What bounds a kernel, what it is measured in, and what a call has of it.
LIMITS = {"read_gb_s": ("memory", "bytes"), "cache_gb_s": ("L1", "bytes"),
          "int8_gops": ("int8", "operations"), "f32_gflops": ("floats", "operations")}
PEERS = {"aot": "AOT", "intrinsics": "by hand", "ggml": "llama.cpp"}
WIDTHS = (6, 8, 10)


def _amount(value, what):
    """144 MB, 67.1 Mop"""
    unit = "B" if what == "bytes" else "op"
    for prefix, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.0f} {unit}"


def _times(row, peer):
    version = row["versions"].get(peer)
    if version is None:
        return "-"
    return f"{version['times']:.2f}" + ("" if version["agrees"] else "!")


def _cells(texts):
    return "".join(f"{text:>{width}}" for text, width in zip(texts, WIDTHS))


def reached(row, limits):
    """How much of what the machine allows: 0 to 1."""
    _, what = LIMITS[row["limit"]]
    return row[what] / row["versions"]["jit"]["ns"] / limits[row["limit"]]


def mean(rows, peer):
    """The geometric mean of the ratios to a peer, or nothing."""
    logs = [math.log(row["versions"][peer]["times"]) for row in rows if peer in row["versions"]]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def table(result):
    limits = result["limits"]
    lines = [f"one thread; at most {limits['read_gb_s']:.1f} GB/s from memory, "
             f"{limits['cache_gb_s']:.0f} GB/s from L1,",
             f"{limits['int8_gops']:.0f} billion 8-bit operations a second, "
             f"{limits['f32_gflops']:.0f} billion of floats", "",
             f"{'':<59}{'speed of ours / that of':>21}",
             f"{'kernel':<15}{'case':<18}{'per call':>10}  {'limit':<7}{'reached':>7}"
             + _cells(PEERS.values())]
    rows = result["kernels"]
    for row in rows:
        name, what = LIMITS[row["limit"]]
        lines.append(f"{row['kernel']:<15}{row['case']:<18}{_amount(row[what], what):>10}  "
                     f"{name:<7}{100 * reached(row, limits):>5.0f} %"
                     + _cells(_times(row, peer) for peer in PEERS))
    return lines + [""] + _summary(rows)


def _summary(rows):
    """Geometric means of kinds of kernels."""
    def kind(row):
        return row["case"] if row["kernel"].startswith("matmul_") else "others"
    lines = []
    for name in dict.fromkeys(kind(row) for row in rows):
        some = [row for row in rows if kind(row) == name]
        title = "mean of the others" if name == "others" else f"mean of products, {name}"
        means = [mean(some, peer) for peer in PEERS]
        lines.append(f"{title:<59}" + _cells("-" if m is None else f"{m:.2f}" for m in means))
    return lines


def failures(result):
    return [f"{row['kernel']}, {row['case']}: {PEERS.get(name, name)} computes something else"
            for row in result["kernels"] for name, version in row["versions"].items()
            if not version["agrees"]]
