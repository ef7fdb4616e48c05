"""Results of benchmarks that are kept in bench/: a section for each machine and subject."""

import json

from cli import places


def keep(name, preface, subject, result, section):
    """Writes bench/RESULTS-`name`.json and .md: this result in place of an earlier one of the same
    `subject` on the same machine, and all others that are there. section(result) gives lines."""
    data = places.ROOT / "bench" / f"RESULTS-{name}.json"
    known = json.loads(data.read_text()) if data.exists() else {}
    known[f"{subject}, {result['machine']}"] = result
    known = dict(sorted(known.items()))
    data.write_text(json.dumps(known, indent=1) + "\n")
    parts = [preface]
    for title, one in known.items():
        parts += [f"## {title}\n", *section(one)]
    data.with_suffix(".md").write_text("\n".join(parts))
