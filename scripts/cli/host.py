"""`./bareflow host`: the engine in a Linux process."""

import os
import signal
import sys

from cli import packages, places, settings
from cli.build import build
from cli.report import USAGE, Failure


def _has_prompt(arguments):
    return any(one is not None for one in (arguments.prompt, arguments.prompt_file,
                                           arguments.tokens_file))


def command(arguments):
    """The command line of bf-host."""
    line = [str(places.HOST_ENGINE), "--blob", f"program={places.PROGRAM}",
            "--blob", f"model={settings.model(arguments)}"]
    if arguments.prompt_file is not None:
        line += ["--blob", f"prompt={settings.text_file('--prompt-file', arguments.prompt_file)}"]
    elif arguments.prompt is not None:
        line += ["--text", f"prompt={arguments.prompt}"]
    if arguments.tokens_file is not None:
        line += ["--blob", f"tokens={settings.text_file('--tokens-file', arguments.tokens_file)}"]
    if arguments.logits is not None:
        if not _has_prompt(arguments):
            raise Failure("--logits: there is no prompt: give --prompt-file, --tokens-file or "
                          "--prompt", USAGE)
        line += ["--stream", f"logits={settings.output(arguments.logits)}",
                 "--option", "logits=1"]
    if arguments.tokenize is not None:
        line += ["--blob", f"tokenize={settings.text_file('--tokenize', arguments.tokenize)}"]
    for option in settings.option_lines(arguments):
        line += ["--option", option]
    if grammar := settings.grammar_file(arguments):
        line += ["--option-file", f"grammar={grammar}"]
    if not _has_prompt(arguments) and sys.stdin.isatty():
        line += ["--option", "interactive=1"]
    profile = settings.profile(arguments)
    if profile:
        line += ["--stream", f"profile={profile}"]
    return line


def main(arguments):
    line = command(arguments)
    packages.require(packages.HOST_SET)
    build(places.HOST_ENGINE, places.PROGRAM)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would keep that
    try:
        os.execv(line[0], line)
    except OSError as error:  # E2BIG, of a text of 128 KiB
        raise Failure(f"cannot start the engine: {error.strerror}: give long texts in files, by "
                      "--prompt-file and --grammar-file") from None
