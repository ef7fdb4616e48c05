#!/usr/bin/env python3
"""Runs one boot test of cases.py, or all of them; meson.build has one test for each."""
import argparse
import dataclasses
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "scripts"), str(ROOT / "bench"),
                str(ROOT / "test" / "cli")]

import cases  # noqa: E402
import qemu  # noqa: E402
import debugger  # noqa: E402, F401 (more cases)
import faults  # noqa: E402, F401
import screens  # noqa: E402, F401


PASSED, FAILED, SKIPPED = 0, 1, 77  # exit statuses as meson reads them


def run(name, place):
    try:
        cases.CASES[name](place)
    except (AssertionError, qemu.QemuError) as error:
        print(f"{name}: FAILED: {error}")
        return FAILED
    except cases.Skip as reason:
        print(f"{name}: skipped: {reason}")
        return SKIPPED
    print(f"{name}: passed")
    return PASSED


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *cases.CASES], metavar="NAME")
    parser.add_argument("--covers", help="names that must be all there are, separated by commas")
    for field in dataclasses.fields(cases.Place):
        parser.add_argument("--" + field.name.replace("_", "-"))
    arguments = vars(parser.parse_args())
    names, covers = arguments.pop("names"), arguments.pop("covers")
    if covers and set(covers.split(",")) != set(cases.CASES):
        sys.exit(f"meson.build and cases.py differ in {set(covers.split(',')) ^ set(cases.CASES)}")
    place = cases.Place(**arguments)
    results = [run(name, place) for name in (names or ([] if covers else cases.CASES))]
    sys.exit(FAILED if FAILED in results else max(results, default=PASSED))


if __name__ == "__main__":
    main()
