"""A process that runs a model and says how long work takes: BareFlow's host (docs/options.md,
`bench`) or bench/llama_peer.cpp. Both answer the same lines.

    with Engine("BareFlow", command, log) as engine:
        nanoseconds = engine.run("prompt", 128)
"""

import subprocess


class EngineFailed(Exception):
    """An engine that ended, or said something else than a number."""


class Engine:
    def __init__(self, name, command, log):
        self.name = name
        self._command = [str(word) for word in command]
        self._log = log

    def __enter__(self):
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=log, text=True)
        self._expect("ready")
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _line(self):
        line = self._process.stdout.readline().strip()
        if line:
            return line
        self._process.wait()
        with open(self._log, errors="replace") as log:
            words = [line for line in log.read().splitlines() if "error" in line.lower()]
        raise EngineFailed(f"{self.name} ended with status {self._process.returncode}: "
                           f"{words[-1] if words else f'see {self._log}'}")

    def _expect(self, word):
        line = self._line()
        if line != word:
            raise EngineFailed(f"{self.name} said {line!r} instead of {word!r}")

    def peak_bytes(self):
        """The most memory that the process has had at once so far."""
        with open(f"/proc/{self._process.pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) << 10
        return 0

    def run(self, work, tokens):
        """Nanoseconds for "prompt" or "generate" of so many tokens."""
        try:
            self._process.stdin.write(f"{work} {tokens}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the line that follows says why
        line = self._line()
        if not line.isdigit():
            raise EngineFailed(f"{self.name} said {line!r} instead of a time")
        return int(line)
