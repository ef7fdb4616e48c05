"""Names, kinds and things that are rare or invented.

The plain grammar has a few dozen names, each soon a single piece of the
vocabulary, and a model can learn them by heart. Names it has not met before
make it learn to copy what stands in the story, whatever that is.
"""

from __future__ import annotations

import random

from grammar.engine import Story
from grammar.world import ANIMALS, COLOURS, Person, Thing

BOYS = (
    "Aaron Alan Albert Andrew Arthur Billy Bob Brian Carl Charlie Colin Dan David Dennis Dylan Edward Eric "
    "Ethan Frank Fred Gary George Gustav Harry Ian Ivan Jake Jason Jim Joey Johan John Jonah Joseph Karl Kevin "
    "Kim Larry Liam Logan Marco Mark Martin Matt Mike Nathan Nick Nils Otis Owen Patrick Pedro Philip Ralph "
    "Ray Richard Robert Roger Roy Ryan Samuel Sean Simon Stefan Steve Tariq Ted Timmy Tony Vincent Walter Yusuf"
).split()
GIRLS = (
    "Abby Agnes Alma Amelia Andrea Angela April Astrid Ava Barbara Bea Betty Carla Carmen Carol Celia Chloe "
    "Cora Dana Diana Dora Edith Eleanor Elena Eliza Elsa Emily Erin Esther Fatima Fiona Flora Freya Gina Greta "
    "Hannah Heidi Helen Holly Ida Irene Isabel Jasmine Jenny Jill Joan Judy Julia Karen Laura Layla Lisa Lola "
    "Mandy Maria Martha Mary Megan Monica Naomi Nelly Olga Paula Petra Rachel Rita Ruth Sally Sarah Sue Susan "
    "Susie Tess Tina Vera Wendy Yara Zara"
).split()
STARTS = "B Br C D Dr F G Gr H J K Kr L M N P Qu R S Sh St T Tr V W X Y Z".split()
VOWELS = "a e i o u a e i o ee oo".split()
MIDDLES = "b d g k l ll m n nd nn p r rl s t v x z".split()
ENDINGS = ("", "", "", "n", "x", "l", "s", "r", "k", "t", "by", "ro", "la", "na", "zy")
PEOPLE = (
    "knight king queen wizard witch pirate giant ghost fairy snowman teacher cook sailor doctor farmer man "
    "woman child astronaut painter dancer singer"
).split()
BEASTS = (
    "lion tiger wolf horse cow pig chicken fish whale snail giraffe goat crab dinosaur dog crocodile parrot "
    "zebra camel kangaroo koala spider ant kitten bird goose swan deer raccoon seal"
).split()
MALE_KINDS, FEMALE_KINDS = ("king", "man", "wizard"), ("queen", "woman", "witch", "cow")
THINGS = (
    "apple sword spoon pencil hammer guitar clock ring plate crown shoe sock rocket camera map wand puzzle "
    "mirror mitten pillow jar rope candle ladder helmet violin brush cap purse telescope compass coin egg "
    "carrot fork glove hook jewel knife magnet needle paddle trumpet wheel yo-yo snow globe toy horse"
).replace("snow globe", "snow_globe").replace("toy horse", "toy_horse").split()


def invented_name(rng: random.Random) -> str:
    """A name that nobody has, but that can be said."""
    name = rng.choice(STARTS) + rng.choice(VOWELS)
    for _ in range(rng.choice((0, 1, 1))):
        name += rng.choice(MIDDLES) + rng.choice(VOWELS)
    return (name + rng.choice(ENDINGS)) if len(name) > 2 else name + "n"


def rename(rng: random.Random, person: Person, avoid: str) -> Person:
    """The same person under a rare name."""
    names = BOYS if person.male else GIRLS
    name = rng.choice(names) if rng.random() < 0.6 else invented_name(rng)
    return person if name == avoid else Person(name, person.kind, person.male)


def of_rare_kind(rng: random.Random, person: Person) -> Person:
    kind = rng.choice(BEASTS if person.kind in ANIMALS else PEOPLE)
    if kind not in MALE_KINDS + FEMALE_KINDS:
        return Person(person.name, kind, person.male)
    male = kind in MALE_KINDS
    name = person.name if male == person.male else rng.choice(BOYS if male else GIRLS)
    return Person(name, kind, male)


def make_rare(s: Story) -> None:
    """Changes some of the roles that are cast already."""
    rng, roles = s.rng, s.roles
    if rng.random() < 0.35:
        roles["A"] = of_rare_kind(rng, roles["A"])
    if rng.random() < 0.7:
        roles["A"] = rename(rng, roles["A"], roles["B"].name)
    if rng.random() < 0.6:
        roles["B"] = rename(rng, roles["B"], roles["A"].name)
    if rng.random() < 0.4:
        roles["O"] = Thing(rng.choice(THINGS).replace("_", " "), rng.choice(COLOURS))


def introduce(s: Story) -> None:
    """Openings that the plain grammar does not have."""
    s.say(
        "A_ ({size} |{trait} |){A.kind} named {A} (lived {home}|loved to {hobby}|wanted to see the world).",
        "The ({size} |{trait} |){A.kind} was called {A}. {A.He} lived {home}.",
        "The ({size} |{trait} |){A.kind} {A} loved to {hobby}.",
        "The {A.kind} was ({trait}|happy|alone|{size}). {A.His} name was {A}.",
        "{P.at}, there was a_ {A.kind} named {A}.",
        "It was quiet {P.at}. Only a_ {A.kind} named {A} was there.",
        "{A} was a_ {A.kind}. {A.He} loved to {hobby}.",
        "{A.plain} the {A.kind} lived {home}.",
        "{A} and {B.plain} were friends. {A} was a_ {A.kind}, and {B.plain} was a_ {B.kind}.",
        "My friend {A} is a_ {A.kind}. This is {A.his} story.",
        "Once upon a time, {P.at}, there lived a_ {A.kind}. {A.His} name was {A}.",
        "Far away, in a land of (hills|snow|flowers), lived {A.plain} the {A.kind}.",
        "Every morning, the {A.kind} {A} got up with the sun.",
    )
