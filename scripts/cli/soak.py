"""`./bareflow soak`: one boot, a conversation that goes on and on, and memory that does not go away.

The machine is talked to as a person would: prompts, answers that are stopped, new conversations, words
of the shell, and now and then the model anew. Every so often /mem is asked. What is free at the end must
be what was free after the first minute, and what is in use must have stopped growing.
"""

import dataclasses
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

import qemu
from cli import arguments as cli_arguments
from cli import machine, packages, places, settings
from cli.build import build
from cli.report import Failure, say

PROMPT = b"\n> "
STOP = b"\x03"
SETTLE_S, SETTLE_TOKENS = 60, 2000  # until what is free is looked at for the first time
# What is free on bare metal does not change (src/arch/x86/memory.h). A process has malloc's chunks come and go.
HOST_CHUNKS = 1 << 20
# What is seldom used is compiled late: until half of the tokens have been told, what is in use in the heap may
# grow. Then only what has just been compiled, or is still to be given back, makes a difference.
HEAP_NOISE = 1 << 18
SILENCE_S = 300  # an answer's next byte on a busy machine
RAM, MAPPED = "RAM", "mapped by this process"  # what /mem's parts are parts of
WORDS = ("once upon a time there was little girl boy who loved to play with his her friend in the park forest "
         "sun rain big small happy sad ball cat dog tree said why did not want go home mom dad").split()
ASIDES = ("/stats", "/cpu", "/tiers", "/top", "/help")


@dataclasses.dataclass
class Sample:
    """What /mem said, and when."""
    seconds: float
    tokens: int
    free: int
    largest: int
    heap_free: int   # in the heap's chunks
    heap_used: int   # by others than the program


@dataclasses.dataclass
class Counts:
    prompts: int = 0
    stops: int = 0
    restarts: int = 0
    asides: int = 0
    models: int = 0


class Stream:
    """A sink that gives out what has come, and forgets it: hours of talk need no memory here either."""

    def __init__(self):
        self._data, self._lock = bytearray(), threading.Lock()

    def write(self, data):
        with self._lock:
            self._data += data

    def flush(self):
        pass

    def look(self):
        with self._lock:
            return bytes(self._data)

    def take(self, lines=False):
        """All of it; of `lines`, those that have ended."""
        with self._lock:
            end = self._data.rfind(b"\n") + 1 if lines else len(self._data)
            taken = bytes(self._data[:end])
            del self._data[:end]
            return taken


class Process:
    """The engine in a Linux process, in the place of a guest."""

    def __init__(self, line, text, log):
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for source, sink in ((self.process.stdout, text), (self.process.stderr, log)):
            threading.Thread(target=self._forward, args=(source.fileno(), sink), daemon=True).start()

    @staticmethod
    def _forward(source, sink):
        while data := os.read(source, 65536):
            sink.write(data)

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait(self, timeout):
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Talk:
    """A prompt line of a running machine, or process."""

    def __init__(self, guest, text, log):
        self.guest, self.text, self.log = guest, text, log
        self.tokens = self.prompt_tokens = 0
        self.start = time.monotonic()

    def _wait(self, ready):
        """Until `ready` of what was shown, without a limit as long as something comes."""
        last, size = time.monotonic(), -1
        while not ready(shown := self.text.look()):
            if self.guest.process.poll() is not None:
                raise Failure("the machine ended: " + self.log.take()[-2000:].decode(errors="replace"))
            if len(shown) != size:
                last, size = time.monotonic(), len(shown)
            if time.monotonic() - last > SILENCE_S:
                raise Failure(f"nothing was shown for {SILENCE_S} s: {shown[-500:]}")
            time.sleep(0.005)

    def prompt(self):
        self._wait(lambda shown: shown.endswith(PROMPT))
        self._count()
        return self.text.take().decode(errors="replace")

    def _count(self):
        for prompt, told in re.findall(rb"^stats: prompt (\d+) tokens.*generated (\d+) tokens",
                                       self.log.take(lines=True), re.M):
            self.prompt_tokens += int(prompt)
            self.tokens += int(told)

    def say(self, line, stop_after=None):
        """A line and what it shows; stopped after so many bytes of an answer."""
        self.guest.send(line.encode() + b"\r")
        echo = len(line) + 1
        self._wait(lambda shown: len(shown) > echo and b"\n" in shown)
        if stop_after is not None:
            self._wait(lambda shown: len(shown) >= echo + stop_after or shown.endswith(PROMPT))
            if not self.text.look().endswith(PROMPT):
                self.guest.send(STOP)
        return self.prompt()

    def memory(self):
        parts = {name: int(number.replace(",", "")) for number, name
                 in re.findall(r"^ +([\d,]+) +[\d.]+ MiB  (.*?)\r?$", self.say("/mem"), re.M)}
        names = list(parts)
        total = next(name for name in (RAM, MAPPED) if name in parts)
        if sum(parts[name] for name in names[:names.index(total)]) != parts[total]:
            raise Failure(f"/mem does not add up: {parts}")
        # A process has no memory of its own that could be free: what it has is taken from nothing.
        free = parts["free"] if total == RAM else -parts[MAPPED]
        return Sample(time.monotonic() - self.start, self.tokens, free, parts.get("the largest free piece", 0),
                      parts["free or lost in the heap's blocks"], parts["other blocks of the heap"])


class Soak:
    """Turns of a conversation, by a seed."""

    def __init__(self, talk, seed):
        self.talk, self.random, self.counts = talk, random.Random(seed), Counts()
        self.model = None  # a number of /model

    def words(self):
        count, = self.random.choices((1, 3, 8, 20, 60), weights=(6, 6, 5, 2, 1))
        return " ".join(self.random.choices(WORDS, k=count))

    def turn(self):
        kind, count = self.random.random(), self.counts
        if kind < 0.5:
            count.prompts += 1
            self.talk.say(self.words())
        elif kind < 0.62:
            count.prompts += 1
            count.stops += 1
            self.talk.say(self.words(), stop_after=self.random.randrange(400))
        elif kind < 0.94:
            count.restarts += 1
            self.talk.say("/new")
        elif kind < 0.998 or self.model is None:
            count.asides += 1
            self.talk.say(self.random.choice(ASIDES))
        else:
            self.change_model()

    def change_model(self):
        """The same one anew, where there is a shelf: all that was compiled for it goes."""
        if self.model is not None:
            self.counts.models += 1
            self.talk.say(f"/model {self.model}")

    def settled(self):
        """Memory between two conversations."""
        self.counts.restarts += 1
        self.talk.say("/new")
        return self.talk.memory()

    def run(self, tokens, settle_seconds, settle_tokens, report):
        """The samples, the first one when everything has settled."""
        shelf = re.findall(r"^ *(\d+)  \S.*\.gguf", self.talk.say("/model"), re.M)
        self.model = shelf[-1] if shelf else None
        samples, due = [], settle_tokens
        while self.talk.tokens < tokens:
            self.turn()
            if self.counts.models == 0 and self.talk.tokens > tokens // 2:
                self.change_model()
            if self.talk.tokens < due or (not samples and time.monotonic() - self.talk.start < settle_seconds):
                continue
            samples.append(self.settled())
            report(samples[-1])
            due = self.talk.tokens + max(tokens // 50, 1)
        samples.append(self.settled())
        report(samples[-1])
        return samples


def soak(start, tokens, seed, settle_seconds, settle_tokens, report):
    """Starts what is talked to, talks, ends it: samples, counts, the talk. start(text, log) is a
    qemu.Guest or what is like one."""
    text, log = Stream(), Stream()
    with start(text, log) as guest:
        talk = Talk(guest, text, log)
        talk.prompt()
        work = Soak(talk, seed)
        samples = work.run(tokens, settle_seconds, settle_tokens, report)
        guest.send(b"/quit\r")
        status = guest.wait(SILENCE_S)
    if status != 0:
        raise Failure(f"it ended with status {status}")
    return samples, work.counts, talk


def lost(samples, noise):
    """What is wrong, or nothing."""
    first, middle, last = samples[0], samples[len(samples) // 2], samples[-1]
    if last.free < first.free - noise:
        return f"{first.free - last.free:,} bytes of what was free"
    if last.heap_used > middle.heap_used + HEAP_NOISE:
        return f"{last.heap_used - middle.heap_used:,} bytes more are in use in the heap since {middle.tokens:,} tokens"
    return ""


OPTIONS = "interactive=1\nNO_COLOR=1\nchat=1\nchat-template=llama2\ntokens=256\ncontext=512\n"


def line_of(sample):
    where = (f"{sample.free:13,} bytes free, largest piece {sample.largest:13,}" if sample.free > 0
             else f"{-sample.free:13,} bytes mapped")
    return f"{sample.seconds:6.0f} s {sample.tokens:8,} tokens  {where}, in the heap {sample.heap_used:9,}"


def machine_for(arguments, seed):
    """The machine of `run` with the same options, and somebody who types."""
    words = [word for option in ("model", "smp", "mem") if (value := getattr(arguments, option)) is not None
             for word in (f"--{option}", str(value))]
    parsed = cli_arguments.parse(["run", *words])
    guest = machine.describe(parsed, settings.model(parsed), interactive=True)
    return dataclasses.replace(guest, options=guest.options + OPTIONS + f"seed={seed}\n")


def process_for(arguments, model, seed):
    """The command line of the host's engine."""
    line = [str(places.HOST_ENGINE), "--blob", f"program={places.PROGRAM}", "--blob", f"model={model}"]
    for option in (*OPTIONS.split(), f"seed={seed}", f"threads={arguments.smp or 1}"):
        line += ["--option", option]
    return line


def starter(arguments, model, seed):
    """What starts the machine or the process, and what it is, for a person."""
    if arguments.host:
        packages.require(packages.HOST_SET)
        build(places.HOST_ENGINE, places.PROGRAM)
        line = process_for(arguments, model, seed)
        return lambda text, log: Process(line, text, log), "in a Linux process"
    packages.require(packages.RUN_SET)
    build(places.KERNEL, places.PROGRAM)
    guest = machine_for(arguments, seed)
    return lambda text, log: qemu.Guest(guest, text, log), f"in QEMU, cores: {guest.smp}"


def show(samples, counts, talk, seed, as_json):
    first, last = samples[0], samples[-1]
    if as_json:
        print(json.dumps({"seed": seed, "tokens": talk.tokens, "prompt_tokens": talk.prompt_tokens,
                          "seconds": round(last.seconds), **dataclasses.asdict(counts),
                          "samples": [dataclasses.asdict(sample) for sample in samples]}))
        return
    print(f"{talk.tokens:,} tokens told and {talk.prompt_tokens:,} read in {last.seconds:,.0f} s: {counts.prompts} "
          f"prompts, {counts.stops} stops,\n{counts.restarts} restarts, {counts.models} changes of the model")
    print(f"at first: {line_of(first).strip()}\nin the end: {line_of(last).strip()} ({last.free - first.free:+,})")


def main(arguments):
    model = settings.model(arguments)
    seed = int(arguments.seed) if arguments.seed is not None else random.SystemRandom().randrange(1 << 32)
    tokens = int(arguments.tokens)
    start, where = starter(arguments, model, seed)
    say(f"{tokens:,} tokens of {model.name} {where}, seed {seed}")
    try:
        samples, counts, talk = soak(start, tokens, seed, 0 if arguments.host else SETTLE_S,
                                     min(tokens // 2, SETTLE_TOKENS * (10 if arguments.host else 1)),
                                     lambda sample: say(line_of(sample)))
    except qemu.QemuError as error:
        raise Failure(str(error)) from None
    show(samples, counts, talk, seed, arguments.json)
    if loss := lost(samples, HOST_CHUNKS if arguments.host else 0):
        print(f"error: memory was lost: {loss}", file=sys.stderr)
        return 1
    return 0
