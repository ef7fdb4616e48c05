"""`./bareflow gguf`: bf-gguf, built first where it is not there yet."""

import os
import signal

from cli import packages, places
from cli.build import build


def main(arguments):
    packages.require(packages.BUILD)
    build(places.GGUF_TOOL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would keep that
    os.execv(places.GGUF_TOOL, [str(places.GGUF_TOOL), *arguments.tool_arguments])
