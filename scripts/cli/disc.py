"""Discs: the kernel, the program's image, a model and default options on one ISO.

Discs for `run` are kept in the build directory, each under a key of all that is on it. Prompt and
options of a run reach the guest beside the disc, so they need no new one.
"""

import contextlib
import hashlib
import os
import re
import tempfile
import time
from pathlib import Path

import make_iso
from cli import places, settings
from cli.report import Failure, Step

WORD = re.compile("[!-&(-~]+")  # no space, no quote
KEPT_DISCS = 3
YOUNG_SECONDS = 900  # a disc that may still be about to be booted


def _is_word(option):
    """Whether an option can stand on the kernel's line in GRUB's menu. Texts, and what may come any
    number of times, go into a file of the disc: that line is short."""
    return WORD.fullmatch(option) and option.partition("=")[0] not in (*settings.TEXT_KEYS, "logit-bias")


@contextlib.contextmanager
def _file(data):
    """The name of a file with these bytes, or None where there are none."""
    with tempfile.NamedTemporaryFile(prefix="bareflow-disc-") as file:
        file.write(data or b"")
        file.flush()
        yield file.name if data else None


def make(path, model, options=(), prompt=None):
    """Writes an ISO to `path`, whole or not at all; without a model if there is none. The prompt is
    bytes."""
    words = [option for option in options if _is_word(option)]
    lines = "".join(f"{option}\n" for option in options if not _is_word(option))
    try:
        with (Step(f"making a disc with {model.name}" if model else "making a disc without a model"),
              _file(prompt) as prompt_file,
              _file(lines.encode(errors="surrogateescape")) as lines_file):
            make_iso.make_iso(str(path), str(places.KERNEL), str(places.PROGRAM),
                              str(model) if model else None, "\n".join(words), prompt_file, lines_file)
    except (make_iso.IsoError, OSError) as error:
        raise Failure(f"no disc: {error}") from None


def _key(model, options):
    """Names what would be on the disc: contents, but of the model only its size and time."""
    digest = hashlib.sha256("\n".join(options).encode())
    for path in (places.KERNEL, places.PROGRAM, Path(make_iso.__file__), make_iso.TEMPLATE):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    if model is None:
        return digest.hexdigest()[:20]
    facts = model.stat()
    digest.update(f"{model}\0{facts.st_size}\0{facts.st_mtime_ns}".encode("utf-8",
                                                                          "surrogateescape"))
    return digest.hexdigest()[:20]


def _forget_old(folder):
    discs = sorted(folder.glob("*.iso"), key=lambda disc: disc.stat().st_mtime, reverse=True)
    for disc in discs[KEPT_DISCS:]:
        if time.time() - disc.stat().st_mtime > YOUNG_SECONDS:
            disc.unlink(missing_ok=True)


def cached(model, options=()):
    """The path of an ISO with this model (or None), made if it is not there yet. Only options that the
    boot loader needs go onto it."""
    folder = places.BUILD / "iso"
    folder.mkdir(parents=True, exist_ok=True)
    disc = folder / f"{_key(model, options)}.iso"
    if disc.exists():
        os.utime(disc)
    else:
        make(disc, model, options)
        _forget_old(folder)
    return disc
