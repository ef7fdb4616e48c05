#!/usr/bin/python3
"""Writes a corpus of children's stories from the grammar, one JSON string a line.

    make_corpus.py -o train.jsonl --stories 150000 --seed 1
    make_corpus.py -o held_out.jsonl --stories 1000 --seed 2 --split held-out
    make_corpus.py -o seen.jsonl --stories 1000 --seed 3

A story is about a hero, a subject (the thing lost, the skill learned) and a
plot. One in sixteen of these combinations, chosen by a hash, never occurs in
the training split: the held-out split consists of nothing else. With --rare, a
share of the stories has names, kinds and things from outside the plain grammar.
"""

from __future__ import annotations

import argparse
import json
import random
import zlib

from grammar import plots_courage, plots_things, plots_world, rare  # noqa: F401 (they register)
from grammar.engine import Story
from grammar.episodes import epilogue
from grammar.names import settle
from grammar.opening import choose_details, introduce
from grammar.phrases import PHRASES
from grammar.registry import PLOTS, Plot
from grammar.world import (ANIMALS, FAMILY, OUTDOOR_WILD, PLACES, SIZES, TRAITS, WEATHERS, Person,
                           make_person, make_thing)

HELD_OUT_ONE_IN = 16
PETNAMES = ("Fluffy", "Lucky", "Button", "Snowy", "Peanut", "Sunny")
# Small things that a sentence or two may need.
DETAILS = {
    "skyline": ("hills", "fields", "trees", "roofs"),
    "through": ("through the garden", "down the path", "around the house", "across the yard"),
    "a_thing": ("a horse", "a castle", "a mountain of toys", "a ship of gold", "a giant cake", "a crown"),
    "miss_thing": ("an old shoe", "a big stone", "a rusty spoon", "a very fat worm"),
    "T": ("coat", "scarf", "blanket", "jacket"),
}
EPILOGUE_CHANCE = 0.3
# Plots that are about A and B, who are friends from the start.
PAIR_PLOTS = tuple(
    "sharing birthday_surprise building race quarrel storm treasure mystery skill".split()
)


def cast_roles(s: Story, plot: Plot) -> None:
    """Chooses who, where and with what, before the plot adds its own roles."""
    rng, roles = s.rng, s.roles
    kind = rng.choice(plot.cast)
    species = rng.choice(ANIMALS) if kind == "animal" else kind
    hero = make_person(rng, species)
    # Friends of the other sex make pronouns clear; of the same sex they are rarer.
    male = not hero.male if rng.random() < 0.7 else hero.male
    animal_friend = kind == "animal" or rng.random() < 0.12
    other = rng.choice([a for a in ANIMALS if a != species]) if animal_friend else "child"
    roles["A"] = hero
    roles["B"] = make_person(rng, other, avoid=(hero.name,), male=male)
    name, grown_male = rng.choice(FAMILY)
    roles["G"] = Person(name, "grown-up", grown_male)
    roles["O"] = make_thing(rng)
    cast_scene(s, OUTDOOR_WILD if plot.name in ("storm", "helping_animal") else PLACES)


def cast_scene(s: Story, places: tuple) -> None:
    """The place, the weather, and the small words that plots fill in."""
    rng, roles = s.rng, s.roles
    place = rng.choice(places)
    found, miss, miss2 = rng.sample(place.spots, 3)
    roles.update(P=place, W=rng.choice(WEATHERS), S=rng.choice(place.sights))
    roles.update(found=found, miss=miss, miss2=miss2, day_low="one day")
    roles.update(trait=rng.choice(TRAITS), size=rng.choice(SIZES), petname=rng.choice(PETNAMES))
    roles.update({name: rng.choice(choices) for name, choices in DETAILS.items()})


def tell(rng: random.Random, rare_chance: float = 0.0) -> tuple[str, str]:
    """A story, and the key of its combination: hero, subject, plot."""
    plot = rng.choices(PLOTS, weights=[p.weight for p in PLOTS])[0]
    s = Story(rng, PHRASES)
    cast_roles(s, plot)
    s.roles["pair"] = plot.name in PAIR_PLOTS
    if rare_chance and rng.random() < rare_chance:
        rare.make_rare(s)
    if rare_chance and rng.random() < rare_chance / 3:
        choose_details(s)
        rare.introduce(s)
    else:
        introduce(s)
    subject = plot.tell(s)
    if rng.random() < EPILOGUE_CHANCE:
        epilogue(s)
    others = [str(s.roles[role]) for role in ("G", "H", "goal", "sender") if role in s.roles]
    text = settle(s.text(), s.roles["A"], s.roles["B"], others, rng)
    return text, f"{s.roles['A'].name}/{subject}/{plot.name}"


def is_held_out(key: str) -> bool:
    return zlib.crc32(key.encode()) % HELD_OUT_ONE_IN == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", required=True)
    parser.add_argument("--stories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rare", type=float, default=0.0, help="share with rare names and things")
    parser.add_argument("--split", choices=("train", "held-out"), default="train")
    args = parser.parse_args()
    rng, written = random.Random(args.seed), 0
    with open(args.out, "w", encoding="utf-8") as corpus:
        while written < args.stories:
            text, key = tell(rng, args.rare)
            if is_held_out(key) == (args.split == "held-out"):
                corpus.write(json.dumps(text) + "\n")
                written += 1


if __name__ == "__main__":
    main()
