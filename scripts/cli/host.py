"""`./bareflow host`: the engine in a Linux process."""

import os
import signal
import sys

from cli import packages, places, settings
from cli.build import build


def command(arguments):
    """The command line of bf-host."""
    line = [str(places.HOST_ENGINE), "--blob", f"program={places.PROGRAM}",
            "--blob", f"model={settings.model(arguments)}"]
    if arguments.prompt is not None:
        line += ["--text", f"prompt={arguments.prompt}"]
    if arguments.tokenize is not None:
        line += ["--blob", f"tokenize={settings.text_file('--tokenize', arguments.tokenize)}"]
    for option in settings.option_lines(arguments):
        line += ["--option", option]
    if arguments.prompt is None and sys.stdin.isatty():
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
    os.execv(line[0], line)
