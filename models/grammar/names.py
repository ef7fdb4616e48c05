"""Turns the marked names of a story into names, introductions and pronouns.

A mark is NAME_START, a role, "!" where the sentence itself says who it is, and
NAME_END. The first mention of B says who B is ("her friend Rusty the fox"), and
where two sentences in a row begin with A, the second may begin with a pronoun.
"""

from __future__ import annotations

import random
import re

from grammar.engine import NAME_END, NAME_START, capitalize
from grammar.world import Person

SENTENCE_END = re.compile(r"(?<=[.!?])\s|(?<=[.!?]\")\s")
# Where a sentence begins for sure: after '!"' it may also go on ("Oh!" he said).
LOWER_START = re.compile(r"(?:(?<=[.!?] )|(?<=\.\" ))[a-z]")
LATER_INTRODUCTION = re.compile(f"([Hh]is|[Hh]er) ((best|good|old) )?friend {NAME_START}B!?{NAME_END}")
MARK = re.compile(f"{NAME_START}([AB])(!?){NAME_END}")
HERO = f"{NAME_START}A{NAME_END}"


def settle(text: str, hero: Person, friend: Person, others: list[str], rng: random.Random) -> str:
    """The finished text. `others` are the names of everyone else in the story."""
    paragraphs = text.split("\n\n")
    text = "\n\n".join(use_pronouns(p, hero, others, rng) for p in paragraphs)
    text = drop_later_introductions(introduce_friend(text, hero, friend, rng))
    people = {"A": hero, "B": friend}
    text = MARK.sub(lambda m: people[m[1]].named if m[2] else people[m[1]].name, text)
    return LOWER_START.sub(lambda m: m[0].upper(), text)


def use_pronouns(paragraph: str, hero: Person, others: list[str], rng: random.Random) -> str:
    """Replaces some of the hero's names at the start of a sentence."""
    sentences = SENTENCE_END.split(paragraph)
    clear = False
    for i, sentence in enumerate(sentences):
        starts = sentence.startswith(HERO + " ")
        if starts and clear and rng.random() < 0.55:
            sentences[i] = hero.he.capitalize() + sentence[len(HERO) :]
        pronoun = sentence.startswith(hero.he.capitalize() + " ")
        clear = (starts or (pronoun and clear)) and not mentions_others(sentence, others)
    return " ".join(sentences)


def mentions_others(sentence: str, others: list[str]) -> bool:
    return '"' in sentence or f"{NAME_START}B" in sentence or any(name in sentence for name in others)


def drop_later_introductions(text: str) -> str:
    """ "his friend Tom" is only for the first mention: later it is "Tom"."""
    first = re.search(f"{NAME_START}B!?{NAME_END}", text)
    if first is None:
        return text
    return text[: first.end()] + LATER_INTRODUCTION.sub(f"{NAME_START}B{NAME_END}", text[first.end() :])


def introduce_friend(text: str, hero: Person, friend: Person, rng: random.Random) -> str:
    """Says who B is at the first mention, unless that is speech or says so itself."""
    first = next((m for m in MARK.finditer(text) if m[1] == "B"), None)
    if first is None or first[2]:
        return text
    before = text[: first.start()]
    paragraph = before.rsplit("\n\n", 1)[-1]
    known = f"{friend.kind}" in before and not friend.is_child
    if paragraph.count('"') % 2 or known:
        return text
    words = f"{hero.his} {rng.choice(('friend', 'friend', 'good friend'))} {NAME_START}B!{NAME_END}"
    if not paragraph or re.search(r"[.!?]\"? $", before):
        words = capitalize(words)
    return before + words + text[first.end() :]
