"""From parsed arguments to what a run gets: the options text, the model, the profile's place."""

import os
import stat
from pathlib import Path

from cli import places
from cli.report import USAGE, Failure

KEYS = ("tokens", "context", "temp", "top-p", "seed", "top-k", "min-p", "typical", "min-keep",
        "repeat-last-n", "repeat-penalty", "frequency-penalty", "presence-penalty", "mirostat", "mirostat-lr",
        "mirostat-ent", "logit-bias", "chat", "chat-template", "context-shift",
        "tier", "isa", "gdb", "special", "bos", "batch", "kv", "threads", "screen", "keyboard")

TEXT_KEYS = ("grammar", "system", "reverse-prompt")  # of several lines, perhaps

# What the kernel has room for (boot/boot_options.h), but for what a launcher adds.
MACHINE_BYTES = 126 * 1024


def _escape(text):
    """A text as one line, as docs/options.md says."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _texts(arguments):
    values = vars(arguments)
    for key in TEXT_KEYS:
        value = values.get(key.replace("-", "_"))
        if value is not None:
            for text in value if isinstance(value, list) else [value]:
                yield f"{key}={_escape(text)}"


def grammar_file(arguments):
    """The absolute path of a grammar, or None."""
    if vars(arguments).get("grammar_file") is None:
        return None
    path = text_file("--grammar-file", arguments.grammar_file)
    if b"\0" in path.read_bytes():
        raise Failure(f"--grammar-file: {path} holds a zero byte, and a grammar is a text", USAGE)
    return path


def option_lines(arguments):
    """`key=value` pairs as docs/options.md defines them, for what was given; the text of a grammar's
    file is not among them."""
    values = vars(arguments)
    lines = []
    for key in KEYS:
        value = values.get(key.replace("-", "_"))
        if value is not None:
            lines += [f"{key}={one}" for one in (value if isinstance(value, list) else [value])]
    if values["command"] in ("run", "gdb") and os.environ.get("NO_COLOR"):
        lines.append("NO_COLOR=1")
    return lines + list(_texts(arguments))


def machine_option_lines(arguments):
    """All of them, for a machine, which has room for so much."""
    lines = option_lines(arguments)
    if path := grammar_file(arguments):
        lines.append("grammar=" + _escape(path.read_bytes().decode(errors="surrogateescape")))
    count = len("\n".join(lines).encode(errors="surrogateescape"))
    if count > MACHINE_BYTES:
        raise Failure(f"the options, with all texts and the grammar, have {count:,} bytes: a machine takes "
                      f"{MACHINE_BYTES:,}: give shorter ones")
    return lines


def screenshot(arguments):
    """Where the picture of the screen goes, as an absolute path, or None."""
    name = vars(arguments).get("screenshot")
    return output(name) if name is not None else None


def mode_of(path, refusal):
    """What is at `path`, as stat's mode; None if nothing is. Where that cannot be known, `refusal` is
    how the line about it begins."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"{refusal} {path}: {error.strerror}") from None


def model(arguments):
    """The model's absolute path; a file that cannot be booted is refused here and now."""
    if arguments.model == "":
        raise Failure("--model: the name is empty: give a GGUF file, or leave the option out")
    path = Path(arguments.model).absolute() if arguments.model else places.DEFAULT_MODEL
    mode = mode_of(path, "model: cannot read")
    if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise Failure(f"model: {path} is no regular file: give a GGUF file")
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise Failure(f"model: cannot read {path}: {error.strerror}") from None
    if empty:
        raise Failure(f"model: {path} is empty: give a GGUF file")
    return path


def text_file(option, name):
    """The absolute path of a file to be read, of any content. A pipe is not opened: that would wait
    for somebody who writes to it."""
    path = Path(name).absolute()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Failure(f"{option}: {path} is no regular file")
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise Failure(f"{option}: cannot read {path}: {error.strerror}") from None
    return path


def prompt(arguments):
    """The prompt as bytes, or None."""
    if arguments.prompt_file is None:
        return None if arguments.prompt is None else os.fsencode(arguments.prompt)
    return text_file("--prompt-file", arguments.prompt_file).read_bytes()


def profile(arguments):
    """The profile's absolute path or None; a place that cannot be written is refused early."""
    if not arguments.profile:
        return None
    path = Path(arguments.profile).absolute()
    try:
        with open(path, "ab"):
            pass
    except OSError as error:
        raise Failure(f"--profile: cannot write {path}: {error.strerror}") from None
    return path


def output(path):
    """An absolute path whose folder is there and can be written to."""
    path = Path(path).absolute()
    mode = mode_of(path, "cannot write")
    if mode is not None and stat.S_ISDIR(mode):
        raise Failure(f"{path} is a folder: name a file")
    if mode is not None and not stat.S_ISREG(mode):
        raise Failure(f"{path} is there and is no regular file: name a file, and copy it to a device "
                      "with dd")
    if not os.access(path.parent, os.W_OK):
        raise Failure(f"cannot write {path}: no such folder, or no right to write there")
    return path
