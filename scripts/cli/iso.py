"""`./bareflow iso`: a disc to keep."""

from cli import disc, packages, places, settings
from cli.build import build
from cli.report import Failure, say
from sizes import measure, table


def main(arguments):
    output = settings.output(arguments.output)
    model = settings.model(arguments)
    if output.exists() and output.samefile(model):
        raise Failure(f"-o {output} is the model itself: name another file")
    prompt = settings.prompt(arguments)
    options = settings.machine_option_lines(arguments)
    packages.require(packages.ISO_SET)
    build(places.KERNEL, places.PROGRAM)
    # A disc to keep meets a person at a keyboard; a launcher's own options come later and win.
    disc.make(output, model, ["interactive=1", *options], prompt)
    for line in table(measure(iso=output, model=model)):
        say(line)
    say(f"{output}: {output.stat().st_size:,} bytes")
