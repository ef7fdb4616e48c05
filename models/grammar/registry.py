"""The list of plots. A plot is a function that tells a story and names its subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grammar.engine import Story


@dataclass(frozen=True)
class Plot:
    """`cast` says which kinds of characters it can be about; `weight` how often."""

    name: str
    tell: Callable[[Story], str]
    cast: tuple[str, ...]
    weight: float


PLOTS: list[Plot] = []
ANYONE = ("child", "child", "child", "animal", "animal", "royal")


def plot(cast: tuple[str, ...] = ANYONE, weight: float = 1.0):
    """Registers a plot. It returns its subject: what held-out stories are chosen by."""

    def register(tell: Callable[[Story], str]) -> Callable[[Story], str]:
        PLOTS.append(Plot(tell.__name__, tell, cast, weight))
        return tell

    return register
