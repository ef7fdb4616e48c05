#!/usr/bin/env python3
"""Makes the boot disc: a hybrid ISO that boots from CD or USB stick, under BIOS and UEFI.

    scripts/make_iso.py --kernel build/src/boot/bareflow.stripped.elf \\
        --program build/src/inference/program.bfir --model models/story.gguf -o bareflow.iso

Only the GRUB modules that grub.cfg needs go onto it, which is what keeps it a few megabytes larger
than the model. Two discs of the same input differ in the disc's identifier only, which GRUB 2.06
takes from the clock (and in what contains it).
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TEMPLATE = pathlib.Path(__file__).resolve().parent.parent / "iso" / "grub.cfg.in"

# Program, Debian package.
TOOLS = [("grub-mkrescue", "grub-common"), ("xorriso", "xorriso"), ("mformat", "mtools"),
         ("mmd", "mtools"), ("mcopy", "mtools"), ("xz", "xz-utils")]
GRUB_PLATFORMS = [("i386-pc", "grub-pc-bin"), ("x86_64-efi", "grub-efi-amd64-bin")]

# What grub.cfg uses; grub-mkrescue adds what these depend on, and what reads the disc.
GRUB_MODULES = ["normal", "multiboot2", "iso9660", "test", "echo", "sleep", "halt", "serial",
                "all_video", "cpuid", "true"]
# grub-mkrescue's own start script wants these, and GRUB complains on the screen if they are missing.
GRUB_MODULES += ["part_" + scheme for scheme in ("acorn", "amiga", "apple", "bsd", "dfly", "dvh",
                                                 "gpt", "msdos", "plan", "sun", "sunpc")]

# Timestamps of what xorriso and mtools write: 2026-01-01.
EPOCH = "1767225600"


class IsoError(Exception):
    """Why there is no ISO: one line for a person."""


def check_tools():
    missing = sorted({package for tool, package in TOOLS if not shutil.which(tool)})
    missing += [package for directory, package in GRUB_PLATFORMS
                if not os.path.isdir(f"/usr/lib/grub/{directory}")]
    if missing:
        raise IsoError("cannot make an ISO: install " + " ".join(missing))


def check_input(what, path):
    if not os.path.isfile(path):
        raise IsoError(f"the {what} {path} does not exist")
    if os.path.getsize(path) == 0:
        raise IsoError(f"the {what} {path} is empty")


def screen_mode(options):
    """The option `screen`, as GRUB's gfxpayload: what is tried, in this order."""
    screen = next((word.partition("=")[2] for word in reversed(options.split())
                   if word.startswith("screen=")), "pixels")
    if screen in ("pixels", "text"):
        return screen
    if not re.fullmatch(r"[1-9][0-9]{2,4}x[1-9][0-9]{2,4}(x(15|16|24|32))?", screen):
        raise IsoError(f"screen={screen}: use pixels, text, or a size such as 1920x1080 or 800x600x16")
    return f"{screen},auto"


def file_of(module):
    """What a module is called on the disc. A model can be found there again (docs/shell.md)."""
    return "model.gguf" if module == "model" else module


def grub_cfg(modules, options):
    # GRUB's quoting: inside single quotes everything is itself, but there can be no single quote.
    if "'" in options:
        raise IsoError("options cannot hold single quotes")
    words = " ".join(f"'{word}'" for word in options.split())
    lines = "\n".join(f"  module2 /boot/{file_of(name)} {name}\n"
                      f"  if [ $? != 0 ]; then refuse {name}; fi" for name in modules)
    text = TEMPLATE.read_text()
    return (text.replace("@COMMAND_LINE@", words).replace("@MODULES@", lines)
            .replace("@SCREEN@", screen_mode(options)))


def place(source, target):
    """Hard links where possible: a model may have gigabytes."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)


def run_grub_mkrescue(tree, output):
    command = ["grub-mkrescue", "-o", output, "--install-modules=" + " ".join(GRUB_MODULES),
               "--fonts=", "--locales=", "--themes=", "--compress=xz", tree,
               "--", "-volid", "BAREFLOW"]
    environment = dict(os.environ, SOURCE_DATE_EPOCH=EPOCH, LC_ALL="C")
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0 or not os.path.isfile(output):
        raise IsoError("grub-mkrescue failed:\n" + done.stderr.strip())


def make_iso(output, kernel, program=None, model=None, options="", prompt=None, option_lines=None):
    """Writes the ISO. options, words of key=value, go onto the kernel's line in GRUB's menu; what is no
    word comes as lines of a file, option_lines; the prompt, like the rest, is a file."""
    check_tools()
    check_input("kernel", kernel)
    modules = (("program", program), ("prompt", prompt), ("options", option_lines), ("model", model))
    files = {name: path for name, path in modules if path}
    for name, path in files.items():
        check_input(name, path)
    # Beside the output, so that links work, and so that a half-made ISO never has its name.
    directory = os.path.dirname(os.path.abspath(output))
    if not os.path.isdir(directory):
        raise IsoError(f"the folder {directory} does not exist")
    with tempfile.TemporaryDirectory(prefix=".iso-", dir=directory) as work:
        boot = os.path.join(work, "tree", "boot")
        os.makedirs(os.path.join(boot, "grub"))
        place(kernel, os.path.join(boot, "bareflow.elf"))
        for name, path in files.items():
            place(path, os.path.join(boot, file_of(name)))
        pathlib.Path(boot, "grub", "grub.cfg").write_text(grub_cfg(list(files), options))
        finished = os.path.join(work, "bareflow.iso")
        run_grub_mkrescue(os.path.join(work, "tree"), finished)
        os.replace(finished, output)


def size_line(output, model):
    size = os.path.getsize(output)
    over = f", {size - os.path.getsize(model):,} over the model" if model else ""
    return f"{output}: {size:,} bytes{over}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", required=True, help="bareflow.stripped.elf")
    parser.add_argument("--program", help="the program's IR image")
    parser.add_argument("--model", help="a GGUF file")
    parser.add_argument("--prompt", help="a text to continue, in a file")
    parser.add_argument("--options", default="", help="defaults of the disc: words of key=value")
    parser.add_argument("--option-lines", metavar="FILE", help="more of them, lines that may hold spaces")
    parser.add_argument("-o", "--output", required=True)
    a = parser.parse_args()
    try:
        make_iso(a.output, a.kernel, a.program, a.model, a.options, a.prompt, a.option_lines)
    except (IsoError, OSError) as error:
        sys.exit(f"error: {error}")
    print(size_line(a.output, a.model))


if __name__ == "__main__":
    main()
