"""The command line: one parser per command, with groups of options that commands share.

Wrong use is one line, "error: ...", and status 2.
"""

import argparse
import re
import shlex
import sys

import qemu
from cli.report import USAGE

NUMBER = re.compile(r"[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?|[0-9]+\.")
BIAS = re.compile(rf"[0-9]{{1,10}}([-+]({NUMBER.pattern})|-inf)")
MEMORY = re.compile(r"[1-9][0-9]*[KMGkmg]?")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, formatter_class=HelpFormatter, **settings)

    def error(self, message):
        print(f"error: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(USAGE)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps examples as they are written, and fits 80 columns."""

    def __init__(self, prog):
        super().__init__(prog, max_help_position=26, width=80)


def _decimal(most):
    def check(text):
        if not NUMBER.fullmatch(text) or not float(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to {most}")
        return text
    return check


def _whole(least, bits):
    def check(text):
        if not re.fullmatch("[0-9]{1,20}", text) or not least <= int(text) < 1 << bits:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least} to 2^{bits} - 1")
        return text
    return check


def _number(least, most, of=""):
    """A whole number, of those things."""
    def check(text):
        if not re.fullmatch(f"[0-9]{{1,{len(str(most))}}}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {of and f'of {of} '}from {least} to {most}")
        return int(text)
    return check


def _signed(least, most):
    def check(text):
        if not NUMBER.fullmatch(text.removeprefix("-")) or not least <= float(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return text
    return check


def _last_n(text):
    if text != "-1" and not re.fullmatch("[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of tokens, nor -1 for all")
    return text


def _bias(text):
    if not BIAS.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a token's number, a sign and a bias, such as 15043+1 or 2-inf")
    return text


def _memory(text):
    if not MEMORY.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512M or 4G")
    return text


def _share(text):
    found = re.fullmatch("([0-9]{1,3})/([0-9]{1,3})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not a part such as 1/4")
    return int(found[1]), int(found[2])


def _text(text):
    if "\0" in text:
        raise argparse.ArgumentTypeError("a text cannot hold a zero byte")
    return text


def _words(text):
    try:
        return shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of words: {error}") from None


def add_model(parser):
    group = parser.add_argument_group("model")
    group.add_argument("--model", metavar="FILE.gguf",
                       help="the model to boot (default: models/story.gguf)")


def add_story(parser):
    """Options of the program: the same in every place where it runs."""
    group = parser.add_argument_group("story")
    group.add_argument("--tokens", metavar="N", type=_whole(0, 64),
                       help="generate at most N tokens (default: to the end of the story)")
    group.add_argument("--context", metavar="N", type=_whole(2, 64),
                       help="a context of N tokens at most (default: the model's)")
    group.add_argument("--temp", metavar="T", type=_decimal(100),
                       help="sampling temperature; 0 is greedy (default: 0.8)")
    group.add_argument("--top-p", metavar="P", type=_decimal(1),
                       help="sample from the likeliest pieces that have probability P together "
                            "(default: 0.95)")
    group.add_argument("--seed", metavar="N", type=_whole(0, 64),
                       help="the sampler's seed (default: another one each time)")
    group.add_argument("--top-k", metavar="N", type=_whole(0, 64),
                       help="sample from the N likeliest pieces; 0: from all (default: 40)")
    group.add_argument("--min-p", metavar="P", type=_decimal(1),
                       help="leave out what is less than P times as likely as the likeliest piece "
                            "(default: 0.05)")
    group.add_argument("--typical", metavar="P", type=_decimal(1),
                       help="sample from the most typical pieces that have probability P together "
                            "(default: 1, which is off)")
    group.add_argument("--min-keep", metavar="N", type=_whole(0, 64),
                       help="typical, top-p and min-p leave N pieces at least; top-k may leave fewer "
                            "(default: 0)")
    group.add_argument("--repeat-last-n", metavar="N", type=_last_n,
                       help="penalties look at the last N tokens; 0: none, -1: the whole context "
                            "(default: 64)")
    group.add_argument("--repeat-penalty", metavar="X", type=_signed(0.01, 100),
                       help="divide logits of pieces that were there by X (default: 1)")
    group.add_argument("--frequency-penalty", metavar="X", type=_signed(-100, 100),
                       help="take X off a piece's logit for each time it was there (default: 0)")
    group.add_argument("--presence-penalty", metavar="X", type=_signed(-100, 100),
                       help="take X off the logit of pieces that were there (default: 0)")
    group.add_argument("--mirostat", choices=("0", "2"),
                       help="2: sample by Mirostat 2 instead of top-k, top-p, ... (default: 0)")
    group.add_argument("--mirostat-lr", metavar="X", type=_decimal(1),
                       help="how fast Mirostat learns (default: 0.1)")
    group.add_argument("--mirostat-ent", metavar="X", type=_decimal(100),
                       help="the surprise that Mirostat aims at, in bits (default: 5)")
    group.add_argument("--logit-bias", metavar="TOKEN(+|-)X", type=_bias, action="append",
                       help="add to a token's logit, such as 15043+1 or 2-inf (may be repeated)")


def add_grammar(parser):
    group = parser.add_argument_group("grammar").add_mutually_exclusive_group()
    group.add_argument("--grammar", metavar="TEXT", type=_text,
                       help="generate only what this grammar allows, in llama.cpp's notation "
                            "(GBNF), such as 'root ::= [a-z ]+ \".\"'")
    group.add_argument("--grammar-file", metavar="FILE", type=_text,
                       help="the same, from a file")


def add_chat(parser):
    group = parser.add_argument_group("conversation")
    group.add_argument("--chat", action="store_const", const=1,
                       help="texts are turns of a conversation, written as the model's template "
                            "wants them; the prompt or a line is a message, and it is answered")
    group.add_argument("--system", metavar="TEXT", type=_text,
                       help="what the model is told before a conversation")
    group.add_argument("--chat-template", metavar="NAME",
                       help="llama3, chatml, tinyllama, ... instead of the model's own template")
    group.add_argument("--reverse-prompt", metavar="TEXT", type=_text, action="append",
                       help="end the story or the answer before this text (may be repeated)")
    group.add_argument("--no-context-shift", dest="context_shift", action="store_const", const=0,
                       help="end where the context is full, instead of forgetting half of it")


def add_prompt(parser):
    group = parser.add_argument_group("prompt")
    group.add_argument("--prompt", metavar="TEXT", type=_text,
                       help="continue TEXT, then end. Without it: a story of its own; then, on a "
                            "terminal, a prompt line; else each line of input is a prompt")
    group.add_argument("--prompt-file", metavar="FILE", type=_text,
                       help="continue the text in the file")


def add_batch(parser):
    group = parser.add_argument_group("prompt processing")
    group.add_argument("--batch", metavar="N", type=_number(1, 1024, "tokens"),
                       help="take N tokens of the prompt together, at most (default: 48)")
    group.add_argument("--kv", choices=("f16", "q8_0"),
                       help="how keys and values are kept (default: f16)")


def add_logits(parser):
    group = parser.add_argument_group("logits")
    group.add_argument("--tokens-file", metavar="FILE", type=_text,
                       help="continue the token ids in the file, numbers between white space")
    group.add_argument("--logits", metavar="OUT.f32", type=_text,
                       help="no story: write the logits of every prompt position, 32-bit floats, "
                            "[tokens, vocabulary]")


def add_tokenize(parser):
    group = parser.add_argument_group("tokenizer")
    group.add_argument("--tokenize", metavar="FILE", type=_text,
                       help="no story: print the token ids of the file's text, one line. The model "
                            "may be a vocabulary without weights")
    group.add_argument("--bos", action="store_const", const=1,
                       help="with the beginning-of-sequence token, where the model wants one")
    group.add_argument("--no-special", dest="special", action="store_const", const=0,
                       help="take control tokens such as </s> in a text as plain text")


TIERS = ("interp", "baseline", "opt", "spec", "tuned", "auto")
INSTRUCTION_SETS = ("sse2", "avx2", "avxvnni", "avx512", "avx512vnni")


def add_engine(parser, profile=True):
    group = parser.add_argument_group("engine")
    group.add_argument("--tier", metavar="TIER", choices=TIERS,
                       help="interp, baseline, opt, spec or tuned: everything in this tier; auto: "
                            "what is hot climbs (default: auto)")
    group.add_argument("--isa", metavar="SET", choices=INSTRUCTION_SETS,
                       help="use no more of the processor than sse2, avx2, avxvnni, avx512 or "
                            "avx512vnni")
    if profile:
        group.add_argument("--profile", metavar="OUT.json",
                           help="write calls, cycles and tier of every function (docs/profile.md)")


def add_threads(parser):
    group = parser.add_argument_group("cores")
    group.add_argument("--threads", metavar="N", type=_number(1, 64, "threads"),
                       help="cores that share the work (default: all)")


def add_machine(parser):
    group = parser.add_argument_group("machine")
    group.add_argument("--mem", metavar="SIZE", type=_memory,
                       help="memory, such as 512M or 4G (default: 512M, or more for a big model)")
    group.add_argument("--cpu", metavar="NAME",
                       help="QEMU's name of the processor, such as Haswell (default: max); help "
                            "lists them")
    group.add_argument("--machine", metavar="NAME", default="q35",
                       help="pc or q35, QEMU's names of machines (default: q35)")
    group.add_argument("--smp", metavar="N", type=_number(1, 999, "cores"), help="cores (default: 1)")
    group.add_argument("--uefi", action="store_true", help="UEFI firmware instead of BIOS")
    group.add_argument("--display", metavar="KIND", default="none",
                       help="the screen: gtk or sdl, in a window, or curses (default: none)")
    group.add_argument("--kvm", action="store_true",
                       help="use the host's processor, not an emulated one")
    group.add_argument("--qemu-args", metavar="TEXT", type=_words, default=[],
                       help="more arguments for QEMU, as one shell-like text")


SCREEN = re.compile(r"pixels|text|[1-9][0-9]{2,4}x[1-9][0-9]{2,4}(x(15|16|24|32))?")


def _screen(text):
    if not SCREEN.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither pixels, nor text, nor a size such as 1920x1080")
    return text


def add_console(parser):
    """The machine's own screen and keyboard."""
    group = parser.add_argument_group("screen and keyboard")
    group.add_argument("--screen", metavar="KIND", type=_screen,
                       help="pixels, text (on BIOS machines), or a size such as 1920x1080 (default: "
                            "pixels)")
    group.add_argument("--keyboard", choices=("us", "fr", "de"),
                       help="the layout of its keyboard (default: us)")


def add_launcher_console(parser):
    group = parser.add_argument_group("what is seen of it")
    group.add_argument("--status", action="store_true",
                       help="tokens a second, tiers and cores in the last row of this terminal")
    group.add_argument("--screenshot", metavar="FILE.png", type=_text,
                       help="a picture of the machine's screen, at the end")


def add_disks(parser):
    group = parser.add_argument_group("disk")
    group.add_argument("--disk", choices=qemu.DISKS,
                       help="the model lies on a disk of this kind, and is no boot module")
    group.add_argument("--disk-image", metavar="FILE",
                       help="the disk (default: made for the model, and thrown away): kept across "
                            "runs, made if it is not there; --model names one of its models")


RUN = """\
Boot the model in QEMU: GRUB, the kernel, the program, a story.

Standard output carries the prompt and the generated text, nothing else; the
boot log and the statistics go to standard error. The exit status is the
program's."""
RUN_EXAMPLES = """\
examples:
  ./bareflow run
  ./bareflow run --prompt "Once upon a time" --temp 0
  ./bareflow run --uefi --cpu qemu64 --mem 256M --tokens 100
  ./bareflow run --prompt "Tom was sad." --smp 2 --screenshot screen.png
  ./bareflow run --disk ahci --disk-image disk.img --model tinyllama.gguf
  echo "Tom was sad." | ./bareflow run --profile profile.json > story.txt"""
HOST = """\
Run the same engine and the same IR image in a Linux process.

Output, options and exit status are those of `run`."""
HOST_EXAMPLES = """\
examples:
  ./bareflow host --prompt "Once upon a time" --temp 0
  ./bareflow host --tier interp --tokens 50 --profile profile.json
  ./bareflow host --model vocabulary.gguf --tokenize story.txt
  ./bareflow host --prompt-file story.txt --logits story.f32"""
EXEC = """\
Compile a C program (or C++ without exceptions and RTTI) with clang, lower its
bitcode, and run it in the engine, with the C library of a Linux process. What
follows -- belongs to the program. Output and status are the program's; 125 is
bf-run's own."""
EXEC_EXAMPLES = """\
examples:
  ./bareflow exec hello.c
  ./bareflow exec -O3 --cflags '-march=native' sort.c main.c -- 1000 --verbose
  ./bareflow exec --stats --tier baseline bench/programs/nbody.c -- 1000
  ./bareflow exec --engine '--thresholds 1,2,4,8 --log' hello.c"""
TEST = """\
Build everything and run all tests. The last line is 'N passed, N failed',
with ', N skipped' where some were."""
TEST_EXAMPLES = """\
examples:
  ./bareflow test
  ./bareflow test --suite unit --suite ir
  ./bareflow test 'boot*'
  ./bareflow test --matrix
  ./bareflow test --matrix full 'uefi-*-8-nvme' --json
  ./bareflow test --plug 20 --seed 7"""
SOAK = """\
Boot once, and talk for hours: prompts, answers that are stopped, new
conversations, words of the prompt line, the model anew. What is free at the end
must be no less than once compiled code had settled, after the first minute."""
SOAK_EXAMPLES = """\
examples:
  ./bareflow soak
  ./bareflow soak --tokens 5000 --smp 2 --seed 7"""
ISO = """\
Make an ISO that boots from BIOS and UEFI, on a USB stick as well as in QEMU.

Options of the story and the engine become the disc's defaults; they can be
edited in GRUB's menu, all but texts and biases."""
ISO_EXAMPLES = """\
examples:
  ./bareflow iso -o bareflow.iso
  ./bareflow iso -o tiny.iso --model tiny.gguf --temp 0.5
  ./bareflow iso -o once.iso --prompt "Once upon a time" --temp 0"""
DISK = """\
Make the image of a disk with models on it: a GPT, and in it one FAT32 volume,
with room for what the machine remembers (in the folder BAREFLOW). The file is
sparse. A model of more than 4 GiB, which FAT32 has no files for, gets a
partition of its own. Copy it to a real disk with dd."""
DISK_EXAMPLES = """\
examples:
  ./bareflow disk -o disk.img --model tinyllama.gguf
  ./bareflow disk -o disk.img --model a.gguf --model b.gguf --size 8G"""
CRASH = """\
Print what a machine wrote to a disk when it failed: cause, registers,
backtrace, the last lines of its log, its options. The disk is an image, or a
device that may be read (docs/crash.md)."""
CRASH_EXAMPLES = """\
examples:
  ./bareflow crash disk.img
  sudo ./bareflow crash /dev/sdb
  ./bareflow crash --json disk.img"""
GDB = """\
Start QEMU with its gdbstub, and gdb with the kernel's symbols, stopped where
the kernel's C++ begins, in long mode. gdb knows of compiled functions, too.
With --serial the kernel is debugged as a real machine would be, by its own stub
on COM2 (docs/inspect.md), and stops when its cores are up."""
GDB_EXAMPLES = """\
examples:
  ./bareflow gdb
  ./bareflow gdb --serial --smp 2
  ./bareflow gdb --batch 'hbreak bf::run_program' --batch continue --batch bt"""
BENCH = """\
Sizes, and instruction counts per token: native, interpreted, compiled by the
baseline tier, with and without the profiler; and the guest's instructions from
the kernel's first one to the prompt. Counted, not timed. Takes minutes.

`bench --instructions --model FILE`: instructions per token of that model, in a
Linux process and on bare metal.

`bench --model FILE`: tokens a second, in the columns of llama-bench, beside
what the machine allows, and with --peer beside llama.cpp, in turn.

`bench smp`: machines of one, two and eight cores in QEMU: time per token in
pairs, each core's share of the work, idling, texts (bench/cores.py).

`bench kernels`: each kernel as the engine publishes it, beside the same sources
compiled by clang -O3 for this machine, and versions in intrinsics.

`bench jit`: the engine as a compiler. Thirty C programs in every tier against
the same bitcode compiled by clang -O2 and run by LLVM's ORC JIT, in one run;
compile time against LLVM's; memory; what profiling costs (bench/README.md)."""
BENCH_EXAMPLES = """\
examples:
  ./bareflow bench
  ./bareflow bench --model tinyllama.gguf --threads 2 -p 128,512 -n 32
  ./bareflow bench --model tinyllama.gguf --peer llama.cpp --json
  ./bareflow bench kernels --formats Q4_0,Q6_K --peer llama.cpp
  ./bareflow bench jit --programs nbody,sieve --tiers baseline --parts speed"""
BENCH_JIT_PARTS = ("speed", "compile", "memory", "profiling", "interpreters")
GGUF = """\
Make, inspect and convert model files: bf-gguf. `./bareflow gguf --help` tells
its commands, `./bareflow gguf COMMAND --help` their options."""
GGUF_EXAMPLES = """\
examples:
  ./bareflow gguf inspect --tensors model.gguf
  ./bareflow gguf convert model.gguf small.gguf --format Q4_K_M
  ./bareflow gguf convert stories.bin stories.gguf --vocabulary tok.bin
  ./bareflow gguf random tiny.gguf --like tinyllama --vocabulary vocab.gguf"""
SETUP = """\
Install the Debian packages that a command needs. Every command does this by
itself; here it is alone, for images and offline machines."""
ALL = """\
BareFlow boots a PC straight into a language model."""
ALL_EXAMPLES = """\
`./bareflow COMMAND --help` tells the options of a command.
Everything that is made goes to build/ (BAREFLOW_BUILD names another place)."""


def _command(commands, name, line, text, examples=None):
    return commands.add_parser(name, help=line, description=text, epilog=examples,
                               prog=f"./bareflow {name}")


def _add_run(commands):
    parser = _command(commands, "run", "boot the model in QEMU", RUN, RUN_EXAMPLES)
    for add in (add_model, add_prompt, add_batch, add_story, add_chat, add_grammar, add_engine, add_machine,
                add_console, add_launcher_console, add_disks):
        add(parser)


def _add_host(commands):
    parser = _command(commands, "host", "run the same image in a Linux process", HOST,
                      HOST_EXAMPLES)
    for add in (add_model, add_prompt, add_batch, add_logits, add_tokenize, add_story, add_chat,
                add_grammar, add_engine, add_threads):
        add(parser)


def _add_exec(commands):
    parser = _command(commands, "exec", "run a C program in the engine", EXEC, EXEC_EXAMPLES)
    parser.usage = "./bareflow exec [OPTIONS] FILE [FILE ...] [-- ARGUMENTS]"
    parser.add_argument("files", nargs="+", metavar="FILE",
                        help="sources (.c, .cpp), bitcode (.bc, .ll), or one image (.bfir)")
    parser.add_argument("-O", dest="optimise", choices=("0", "1", "2", "3", "s", "z"), default="2",
                        help="clang's level of optimisation (default: 2)")
    parser.add_argument("--cflags", metavar="TEXT", type=_words, default=[],
                        help="more arguments for clang, as one shell-like text")
    parser.add_argument("--tier", metavar="TIER",
                        help="interp, baseline, opt, spec, tuned, or auto (default: auto)")
    parser.add_argument("--stats", action="store_true",
                        help="calls, cycles and tier of every function, at the end")
    parser.add_argument("--engine", metavar="TEXT", type=_words, default=[],
                        help="more options for bf-run (build/src/tools/bf-run --help)")


def _add_test(commands):
    parser = _command(commands, "test", "build everything and run all tests", TEST, TEST_EXAMPLES)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="only these tests (wildcards are understood)")
    parser.add_argument("--suite", action="append", default=[], metavar="NAME",
                        help="only the tests of this suite (may be repeated)")
    parser.add_argument("--list", action="store_true", help="list the tests instead")
    parser.add_argument("--json", action="store_true",
                        help="one JSON object on standard output, everything else beside it")
    group = parser.add_argument_group("emulators").add_mutually_exclusive_group()
    group.add_argument("--matrix", nargs="?", const="pairs", choices=("pairs", "full"),
                       help="instead, a story on machines of every kind; pairs (the default): every "
                            "pair of their properties once; full: every combination. NAME then means "
                            "machines, as --list names them")
    group.add_argument("--plug", nargs="?", const=300, metavar="N", type=_number(1, 999999),
                       help="instead, kill QEMU N times (default: 300) while it writes to a disk, and "
                            "look at what is left")
    group = parser.add_argument_group("with --matrix or --plug")
    group.add_argument("--jobs", type=_number(1, 99, "machines"), default=2, metavar="N",
                       help="machines at a time (default: 2)")
    group.add_argument("--share", type=_share, metavar="I/N",
                       help="only the I-th of N parts of the matrix")
    group.add_argument("--seed", type=_number(0, 999_999_999), metavar="N",
                       help="of the moments that --plug kills at (default: another one each time)")


def _add_soak(commands):
    parser = _command(commands, "soak", "one boot, a long conversation, no memory lost", SOAK, SOAK_EXAMPLES)
    add_model(parser)
    parser.add_argument("--tokens", metavar="N", type=_whole(1, 32), default=200_000,
                        help="talk until N tokens have been told (default: 200000)")
    parser.add_argument("--seed", metavar="N", type=_whole(0, 64),
                        help="what is said, and when it is stopped (default: another one each time)")
    parser.add_argument("--host", action="store_true", help="in a Linux process, which takes minutes, not hours")
    parser.add_argument("--smp", metavar="N", type=_number(1, 999, "cores"), help="cores (default: 1)")
    parser.add_argument("--mem", metavar="SIZE", type=_memory, help="memory (default: as for `run`)")
    parser.add_argument("--json", action="store_true",
                        help="one JSON object on standard output, with all that was measured")


def _add_iso(commands):
    parser = _command(commands, "iso", "make a bootable ISO", ISO, ISO_EXAMPLES)
    parser.add_argument("-o", "--output", metavar="FILE", required=True,
                        help="where the ISO goes")
    add_model(parser)
    add_prompt(parser)
    add_story(parser)
    add_chat(parser)
    add_grammar(parser)
    add_engine(parser, profile=False)
    add_console(parser)


def _add_disk(commands):
    parser = _command(commands, "disk", "make a disk with models on it", DISK, DISK_EXAMPLES)
    parser.add_argument("-o", "--output", metavar="FILE", required=True,
                        help="where the image goes")
    parser.add_argument("--model", dest="models", metavar="FILE.gguf", action="append",
                        help="a model (default: models/story.gguf; may be repeated)")
    parser.add_argument("--size", metavar="SIZE", type=_memory,
                        help="of the disk, such as 8G (default: 64M more than the models)")
    parser.add_argument("--table", choices=("gpt", "mbr", "none"), default="gpt",
                        help="the partition table (default: gpt); none: the volume alone")
    parser.add_argument("--sector-bytes", metavar="N", type=int, choices=(512, 2048, 4096),
                        default=512, help="bytes in a sector of the disk: 512, 2048 or 4096")


def _add_crash(commands):
    parser = _command(commands, "crash", "print what is recorded of a machine's fault", CRASH,
                      CRASH_EXAMPLES)
    parser.add_argument("disk", metavar="DISK", help="the image of a disk, or a device")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _add_gdb(commands):
    parser = _command(commands, "gdb", "debug the kernel in QEMU", GDB, GDB_EXAMPLES)
    parser.add_argument("--serial", action="store_true",
                        help="the kernel's own stub on its second serial port, not QEMU's")
    parser.add_argument("--batch", dest="gdb_commands", action="append", default=[], metavar="CMD",
                        help="run this gdb command and end (may be repeated)")
    for add in (add_model, add_prompt, add_story, add_engine, add_machine):
        add(parser)


def _parts(text):
    for part in text.split(","):
        if part not in BENCH_JIT_PARTS:
            raise argparse.ArgumentTypeError(
                f"{part!r} is not one of {', '.join(BENCH_JIT_PARTS)}")
    return text.split(",")


def _counts(text):
    if not re.fullmatch("[0-9]{1,5}(,[0-9]{1,5})*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 128,512")
    return [int(number) for number in text.split(",")]


def _add_bench(commands):
    parser = _command(commands, "bench", "print sizes, instruction counts and speeds", BENCH,
                      BENCH_EXAMPLES)
    parser.add_argument("subject", nargs="?", choices=("jit", "kernels", "model", "smp"),
                        help="the engine as a compiler, kernels by themselves, the speed of a model "
                             "(--model without a subject says so, too), or what more cores are worth, "
                             "instead of sizes and instructions")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--no-guest", action="store_true", help="leave out the part in QEMU")
    parser.add_argument("--instructions", action="store_true",
                        help="only, for any --model: instructions per token on the host and on bare "
                             "metal (--isa, default avx2; -n, default 8)")
    parser.add_argument("--save", action="store_true",
                        help="write the results to bench/ (and the README's table) too")
    add_model(parser)
    parser.add_argument("--repeat", type=_number(1, 999, "runs"), metavar="N", default=5,
                        help="runs of each in each engine (default: 5)")
    group = parser.add_argument_group("bench --model")
    group.add_argument("--threads", type=_number(1, 64, "threads"), metavar="N",
                       help="cores that work (default: all)")
    group.add_argument("-p", dest="prompt_tokens", type=_counts, metavar="A,B", default=[128],
                       help="lengths of prompts, 0 for none (default: 128)")
    group.add_argument("-n", dest="generated_tokens", type=_counts, metavar="A,B",
                       help="numbers of tokens to generate, 0 for none (default: 32)")
    group.add_argument("--batch", type=_number(1, 1024, "tokens"), metavar="N",
                       help="tokens of a prompt that are read together (default: 48)")
    group = parser.add_argument_group("bench --model, bench kernels")
    group.add_argument("--isa", metavar="NAME",
                       help="use no more of the processor than this (docs/options.md)")
    group.add_argument("--peer", choices=("llama.cpp",),
                       help="run the same in llama.cpp, too, by turns; it is got from npm")
    group = parser.add_argument_group("bench kernels")
    group.add_argument("--formats", metavar="A,B", default="",
                       help="only matrix products of these weight formats (default: all kernels)")
    group = parser.add_argument_group("bench jit")
    group.add_argument("--programs", action="append", metavar="A,B",
                       help="only these programs (default: all of bench/programs/)")
    group.add_argument("--tiers", action="append", metavar="A,B",
                       help="only these tiers (default: all)")
    group.add_argument("--parts", type=_parts, metavar="A,B", default=BENCH_JIT_PARTS,
                       help="only these parts: " + ", ".join(BENCH_JIT_PARTS))


def _add_gguf(commands):
    parser = _command(commands, "gguf", "make, inspect and convert model files", GGUF,
                      GGUF_EXAMPLES)
    parser.usage = "./bareflow gguf COMMAND [ARGUMENTS]"
    parser.add_argument("tool_arguments", nargs=argparse.REMAINDER, metavar="COMMAND",
                        help="random, inspect or convert, and what belongs to it")


def _add_setup(commands):
    parser = _command(commands, "setup", "install the packages that are missing", SETUP)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", default=[],
                        help="for these commands (default: all)")
    parser.add_argument("--show", action="store_true",
                        help="only name the packages that are missing")


# Options whose values may begin with a dash: free texts, and numbers below zero such as -1e-1.
DASHED = ("--prompt", "--grammar", "--system", "--reverse-prompt", "--qemu-args", "--batch", "--cflags",
          "--engine", "--repeat-last-n", "--repeat-penalty", "--frequency-penalty", "--presence-penalty")


def _bind_dashed(arguments):
    """Joins such options and their values with '='."""
    bound = []
    for argument in arguments:
        if bound and bound[-1] in DASHED:
            bound[-1] += "=" + argument
        else:
            bound.append(argument)
    return bound


# Of each row only one can be given.
ONE_OF = (("--prompt", "--prompt-file", "--tokens-file", "--tokenize"), ("--logits", "--tokenize"))
# The first means nothing without the second.
NEEDS = (("--system", "--chat"), ("--chat-template", "--chat"))


def _contradiction(parsed):
    """What is wrong with options that are fine by themselves, or None."""
    def is_given(option):
        return vars(parsed).get(option.strip("-").replace("-", "_")) is not None

    for options in ONE_OF:
        given = [option for option in options if is_given(option)]
        if len(given) > 1:
            return f"{' and '.join(given)}: give one of them"
    for option, other in NEEDS:
        if is_given(option) and not is_given(other):
            return f"{option}: it belongs to a conversation: give {other}, too"
    return None


def parse(arguments):
    """The parsed command line; ends the process where it is wrong."""
    parser = Parser(prog="./bareflow", description=ALL, epilog=ALL_EXAMPLES)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands",
                                     parser_class=Parser)
    for add in (_add_run, _add_host, _add_exec, _add_test, _add_soak, _add_iso, _add_disk, _add_crash, _add_gdb, _add_bench, _add_gguf,
                _add_setup):
        add(commands)
    if not arguments:
        parser.print_help(sys.stderr)
        sys.exit(USAGE)
    if arguments[0] == "gguf" and arguments[1:2] not in (["--help"], ["-h"]):
        # All that follows is the tool's own.
        return argparse.Namespace(command="gguf", tool_arguments=arguments[1:])
    program_arguments = []
    if arguments[0] == "exec" and "--" in arguments:
        cut = arguments.index("--")
        arguments, program_arguments = arguments[:cut], arguments[cut + 1:]
    parsed = parser.parse_args(_bind_dashed(arguments))
    if wrong := _contradiction(parsed):
        Parser(prog=f"./bareflow {parsed.command}").error(wrong)
    parsed.program_arguments = program_arguments
    return parsed
