"""Results at 80 columns."""

PRODUCT = "matmul_"
LOADING = ("bf_main", "take_model", "pack_group")
LIMITS = {"pp": "multiplying", "tg": "reading memory"}


def _number(value):
    return format(value, ".2f" if value < 10_000 else ".0f")


def speeds(result):
    """llama-bench's columns."""
    model = result["model"]
    lines = [f"{'model':<19}{'size':>11}{'params':>8}  {'backend':<10}{'threads':>7} {'test':<6}"
             f"{'t/s':>16}"]
    for row in result["tests"]:
        for backend, speed in row["speeds"].items():
            digits = 2 if speed["mean"] < 1000 else 0
            value = f"{speed['mean']:.{digits}f} ± {speed['deviation']:.{digits}f}"
            lines.append(f"{model['name'][:18]:<19}{model['size']:>11}{model['parameters']:>8}  "
                         f"{backend:<10}{result['threads']:>7} {row['test']:<6}{value:>16}")
    return lines


def limits(result):
    """Best speeds beside what the machine allows. What is said of decoding is a median over the turns."""
    measured = result["limits"]
    lines = [f"reading memory  {measured['read_gb_s']:8.1f} GB/s",
             f"8-bit integers  {measured['int8_gops']:8.1f} billion a second ({measured['int8_by']})",
             f"32-bit floats   {measured['f32_gflops']:8.1f} billion a second ({measured['f32_by']})",
             "",
             f"{'test':<7}{'BareFlow':>10}{'llama.cpp':>11}{'ratio':>7}{'at most':>10}  "
             f"{'limit':<15}{'reached':>8}"]
    for row in result["tests"]:
        ours = row["speeds"]["BareFlow"]["best"]
        theirs = row["speeds"].get("llama.cpp")
        lines.append(f"{row['test']:<7}{_number(ours):>10}"
                     f"{'-' if theirs is None else _number(theirs['best']):>11}"
                     f"{'-' if theirs is None else format(row['ratio'], '.2f'):>7}"
                     f"{_number(row['at_most']):>10}  {LIMITS[row['test'][:2]]:<15}"
                     f"{100 * row['reached']:>6.0f} %")
    return lines


def memory(result):
    """The most memory at once: weights, what the cache of so many tokens takes, and the rest."""
    lines = [f"{'test':<7}{'peak MiB':>10}{'weights':>10}{'KV cache':>10}{'rest':>10}"]
    for row in result["tests"]:
        sizes = row["memory"]
        rest = sizes["peak"] - sizes["weights"] - sizes["kv_cache"]
        parts = (sizes["peak"], sizes["weights"], sizes["kv_cache"], rest)
        lines.append(f"{row['test']:<7}" + "".join(f"{part / (1 << 20):>10.1f}" for part in parts))
    return lines


def first_tokens(result):
    """Milliseconds that each of the first tokens takes, of an engine that has only loaded the model."""
    rows = [row for row in result["tests"] if "first_tokens" in row]
    if not rows:
        return []
    shown = 10
    lines = [f"{'token':<6}" + "".join(f"{n:>6}" for n in range(1, shown + 1)) +
             f"{'final':>7}{'95 %':>6}"]
    for row in rows:
        first = row["first_tokens"]
        each, final = [took / 1e6 for took in first["nanoseconds"][:shown]], first["final"] / 1e6
        digits = 1 if max(each) < 1000 else 0
        lines.append(f"{row['test'][:5]:<6}" + "".join(f"{took:>6.{digits}f}" for took in each) +
                     f"{final:>7.{digits}f}{first['fast_from']:>6}")
    return lines


def _milliseconds(tokens_per_second):
    return 1000 / tokens_per_second


def functions(result):
    """The time of a token (the best run's), by functions; loading, which is not in it, left out. What
    the matrix products take beyond the limit is the first part of the rest, the other functions are
    the others."""
    lines = []
    for row in result["tests"]:
        took = _milliseconds(row["speeds"]["BareFlow"]["best"])
        least = _milliseconds(row["at_most"])
        work = [part for part in row["functions"] if part[0] not in LOADING]
        total = sum(share for _, _, share in work) or 1
        parts = [(name, tier, share / total) for name, tier, share in work]
        products = took * sum(share for name, _, share in parts if name.startswith(PRODUCT))
        lines += ["", f"{row['test']}: {took:.3f} ms a token, of which {min(least, took):.3f} by the limit, "
                  f"{max(products - least, 0):.3f} more in products"]
        lines += [f"  {name[:44]:<45}{tier:<9}{100 * share:>6.1f} %{took * share:>9.3f} ms"
                  for name, tier, share in parts]
    return lines[1:]


def all_tables(result):
    tables = {"Tokens a second": speeds(result), "Limits": limits(result),
              "The first tokens": first_tokens(result), "Memory of BareFlow": memory(result),
              "Where the cycles go": functions(result)}
    return {title: lines for title, lines in tables.items() if lines}
