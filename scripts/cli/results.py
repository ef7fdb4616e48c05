"""Results of benchmarks that are kept in bench/, in sections: what is measured again takes the place
of what it was, and all else stays."""

import json

from cli import places


def replace_sections(path, preface, sections):
    """Writes these sections, {title: text}, into a text that begins with `preface`; others stay."""
    text = path.read_text() if path.exists() else ""
    known = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    known |= {title: f"\n{body}\n" for title, body in sections.items()}
    path.write_text("\n## ".join([preface] + [f"{title}\n{body}" for title, body in known.items()]))


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
