"""The template language, and the story that templates are added to.

    (red|blue|)        one of these; the empty one is allowed; may be nested
    {A} {A.his}        a role of the story, or something about it
    {A.He}             the same with a capital
    {happy:A}          a shared phrase (phrases.py), told about A
    a_ {O}             "a" or "an", by the letter that follows

Every template passed to `say` is one or more whole sentences.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

TOKEN = re.compile(r"[(|)]|\{[^}]*\}|[^(|){]+")
# Marks around a name while the story is being told (see names.py).
NAME_START, NAME_END = "\x01", "\x02"
ARTICLE = re.compile(r"\b([Aa])_ (?=([A-Za-z]))")
FIRST_LETTER = re.compile(r"[A-Za-z]|\x01")

# A node is text, ("ref", key) or ("alt", [sequence of nodes, ...]).
Node = Any


@functools.lru_cache(maxsize=None)
def parse(template: str) -> tuple[Node, ...]:
    """The nodes of a template."""
    tokens = TOKEN.findall(template)
    nodes, end = _parse_sequence(tokens, 0)
    if end != len(tokens):
        raise ValueError(f"unbalanced template: {template}")
    return nodes


def _parse_sequence(tokens: Sequence[str], i: int) -> tuple[tuple[Node, ...], int]:
    nodes: list[Node] = []
    while i < len(tokens) and tokens[i] not in "|)":
        if tokens[i] == "(":
            node, i = _parse_choice(tokens, i + 1)
            nodes.append(node)
            continue
        text = tokens[i]
        nodes.append(("ref", text[1:-1]) if text[0] == "{" else text)
        i += 1
    return tuple(nodes), i


def _parse_choice(tokens: Sequence[str], i: int) -> tuple[Node, int]:
    choices = []
    while True:
        nodes, i = _parse_sequence(tokens, i)
        choices.append(nodes)
        if i >= len(tokens):
            raise ValueError(f"missing ')' in {''.join(tokens)}")
        if tokens[i] == ")":
            return ("alt", choices), i + 1
        i += 1


def capitalize(text: str) -> str:
    """`text` with its first letter as a capital, wherever that is."""
    found = FIRST_LETTER.search(text)
    if not found:
        return text
    i = found.start()
    return text[:i] + text[i].upper() + text[i + 1 :]


def fix_articles(text: str) -> str:
    return ARTICLE.sub(lambda m: m[1] + ("n " if m[2] in "aeiouAEIOU" else " "), text)


class Story:
    """A story in the making: its roles, its source of chance, its paragraphs."""

    def __init__(self, rng: random.Random, phrases: Mapping[str, Sequence[str]]) -> None:
        self.rng = rng
        self.phrases = phrases
        self.roles: dict[str, Any] = {}
        self._paragraphs: list[list[str]] = [[]]
        self._used: set[str] = set()

    def say(self, *templates: str) -> None:
        """Adds one of the templates, one not used before if there is one."""
        self._paragraphs[-1].append(self.sentence(self._fresh(templates)))

    def maybe(self, chance: float, *templates: str) -> None:
        if self.rng.random() < chance:
            self.say(*templates)

    def either(self, *parts: Callable[[], None]) -> None:
        """Runs one of several ways to tell a part of the story."""
        self.rng.choice(parts)()

    def paragraph(self) -> None:
        if self._paragraphs[-1]:
            self._paragraphs.append([])

    def pick(self, choices: Sequence[Any]) -> Any:
        return self.rng.choice(choices)

    def sentence(self, template: str) -> str:
        return capitalize(fix_articles(self.expand(template)))

    def expand(self, template: str) -> str:
        return "".join(self._render(node, self.roles) for node in parse(template))

    def text(self) -> str:
        """The story, in which names still carry their marks."""
        return "\n\n".join(" ".join(sentences) for sentences in self._paragraphs if sentences)

    def _mark(self, value: Any, attribute: str) -> str:
        """A and B are named by mark; names.py decides how each mention reads."""
        for role in ("A", "B"):
            if value is self.roles.get(role) and attribute in ("", "title", "named"):
                return role + ("!" if attribute == "named" else "")
        return ""

    def _fresh(self, templates: Sequence[str]) -> str:
        fresh = [t for t in templates if t not in self._used] or templates
        chosen = self.rng.choice(fresh)
        self._used.add(chosen)
        return chosen

    def _render(self, node: Node, roles: Mapping[str, Any]) -> str:
        if isinstance(node, str):
            return node
        kind, value = node
        if kind == "alt":
            return "".join(self._render(n, roles) for n in self.rng.choice(value))
        return self._reference(value, roles)

    def _reference(self, key: str, roles: Mapping[str, Any]) -> str:
        if ":" in key or key in self.phrases:
            name, _, role = key.partition(":")
            inner = {**roles, "X": roles[role]} if role else roles
            return "".join(self._render(n, inner) for n in parse(self._fresh(self.phrases[name])))
        role, _, attribute = key.partition(".")
        value = roles[role]
        mark = self._mark(value, attribute)
        if mark:
            return f"{NAME_START}{mark}{NAME_END}"
        if attribute:
            value = getattr(value, attribute.lower())
            if attribute[0].isupper():
                value = capitalize(value)
        # What a role says may itself be a template.
        return "".join(self._render(n, roles) for n in parse(str(value)))
