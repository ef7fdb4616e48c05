"""`./bareflow test`: everything built, all tests run, and one line that counts them."""

import json
import subprocess
import sys

from cli import packages, places
from cli.build import build
from cli.report import USAGE, Failure

PASSED = ("OK", "EXPECTEDFAIL")


def count(log):
    """Counts the results in the lines of meson's testlog.json."""
    results = [json.loads(line)["result"] for line in log]
    passed = sum(result in PASSED for result in results)
    skipped = results.count("SKIP")
    return {"passed": passed, "failed": len(results) - passed - skipped, "skipped": skipped}


def summary(counts):
    line = f"{counts['passed']} passed, {counts['failed']} failed"
    return line + (f", {counts['skipped']} skipped" if counts["skipped"] else "")


def _selection(arguments):
    suites = [word for suite in arguments.suite for word in ("--suite", suite)]
    return suites + arguments.names


def _list(arguments):
    return subprocess.run(["meson", "test", "-C", str(places.BUILD), "--list",
                           *_selection(arguments)]).returncode


def _on_emulators(arguments):
    """Tests that are machines of their own."""
    if arguments.suite:
        raise Failure("--suite does not go with --matrix or --plug", USAGE)
    if arguments.plug and (arguments.names or arguments.list):
        raise Failure("--plug has no tests with names: give no NAME and no --list", USAGE)
    if not arguments.list:
        packages.require(packages.TEST_SET)
        build(places.KERNEL, places.PROGRAM, places.HOST_ENGINE)
    from cli import matrix, plug
    return (matrix if arguments.matrix else plug).main(arguments)


def main(arguments):
    if arguments.matrix or arguments.plug:
        return _on_emulators(arguments)
    packages.require(packages.TEST_SET)
    build()
    if arguments.list:
        return _list(arguments)
    log = places.BUILD / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    status = subprocess.run(
        ["meson", "test", "-C", str(places.BUILD), "--no-rebuild", "--print-errorlogs",
         *_selection(arguments)],
        stdin=subprocess.DEVNULL, stdout=sys.stderr if arguments.json else None).returncode
    counts = count(log.read_text().splitlines() if log.exists() else [])
    if status == 0 and not counts["passed"]:
        print("error: no test ran", file=sys.stderr)
        status = 1
    if status != 0 and counts["failed"] == 0:
        counts["failed"] = 1  # meson itself failed
    print(json.dumps(counts) if arguments.json else summary(counts), flush=True)
    return 1 if status else 0
