"""Who and what the stories are about, and how to speak of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

MALE = {"he": "he", "him": "him", "his": "his", "himself": "himself"}
FEMALE = {"he": "she", "him": "her", "his": "her", "himself": "herself"}


@dataclass(frozen=True)
class Person:
    """A character. `kind` is what it is: boy, girl, fox, dragon."""

    name: str
    kind: str
    male: bool

    def __str__(self) -> str:
        return self.name

    def __getattr__(self, attribute: str) -> str:
        words = MALE if self.__dict__["male"] else FEMALE
        if attribute in words:
            return words[attribute]
        raise AttributeError(attribute)

    @property
    def is_child(self) -> bool:
        return self.kind in ("boy", "girl")

    @property
    def plain(self) -> str:
        """The name, and no more, even at the first mention."""
        return self.name

    @property
    def named(self) -> str:
        """The name at a first mention that says who it is: "Tom", "Rusty the fox"."""
        return self.name if self.is_child else f"{self.name} the {self.kind}"

    title = named


@dataclass(frozen=True)
class Helper(Person):
    """Someone without a name: `first` at the first mention, `name` afterwards."""

    first: str = ""


@dataclass(frozen=True)
class Thing:
    """A small thing with a colour: `full` is "red ball", `a` is "a red ball"."""

    noun: str
    colour: str

    def __str__(self) -> str:
        return self.noun

    @property
    def full(self) -> str:
        return f"{self.colour} {self.noun}"

    @property
    def a(self) -> str:
        return ("an " if self.colour[0] in "aeiou" else "a ") + self.full


@dataclass(frozen=True)
class Place:
    """Somewhere to go. `spots` are where a small thing can be."""

    name: str
    at: str
    spots: tuple[str, ...]
    sights: tuple[str, ...]

    def __str__(self) -> str:
        return "the " + self.name

    @property
    def to(self) -> str:
        return "to school" if self.name == "school" else f"to the {self.name}"


@dataclass(frozen=True)
class Weather:
    """`day` fits "one ... day"; `lines` are whole sentences."""

    day: str
    lines: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.day

    @property
    def line(self) -> str:
        """All the lines as one choice, for the template engine."""
        return "(" + "|".join(self.lines) + ")"


BOYS = ("Tom Ben Max Sam Jack Leo Tim Finn Noah Adam Oscar Peter Hugo Daniel Felix Henry Oliver "
        "Jacob Theo Luke Omar Ravi Kofi Mateo Milo Will Anton Emil Bruno Victor Toby Paul").split()
GIRLS = ("Lily Anna Mia Lucy Ella Rosa Sara Emma Nora Amy Clara Ruby Zoe Molly Alice Maya Lena "
         "Jane Eva Grace Hana Nina Sofia Ivy Daisy Leila Amina Bella Kate Olivia Ada Mei").split()
ANIMAL_BOYS = "Rusty Pip Buddy Bruno Hoppy Oscar Spark Milo Teddy Otto Barney Fuzzy Bolt Patch".split()
ANIMAL_GIRLS = "Penny Luna Daisy Pearl Honey Poppy Willow Dot Ginger Hazel Misty Tilly Ruby Clover".split()
ANIMALS = ("fox bear rabbit mouse cat puppy duck owl hedgehog frog squirrel elephant turtle lamb pony "
           "dragon robot monkey penguin beaver").split()
ROYALS = (("prince", True), ("princess", False))
FAMILY = (("Mom", False), ("Dad", True), ("Grandma", False), ("Grandpa", True), ("Mom", False),
          ("Dad", True), ("Aunt Rose", False), ("Uncle Joe", True))
HELPERS = (("old man", True), ("kind woman", False), ("farmer", True), ("baker", False),
           ("gardener", True), ("wise owl", True), ("mail carrier", False), ("fisherman", True),
           ("shepherd", True), ("young woman", False))

COLOURS = "red blue green yellow white brown orange purple pink silver golden black".split()
TOYS = (
    "ball kite boat doll hat scarf drum book car train balloon umbrella whistle bell lantern box "
    "shell stone feather button ribbon key blanket cup flute basket bracelet"
).split() + ["teddy bear"]

PLACES = (
    Place(
        "park", "in the park",
        (
            "under a bench", "behind the slide", "under the big oak tree", "next to the fountain",
            "in the tall grass",
        ),
        (
            "children on the swings", "a dog with a stick", "ducks on the pond",
            "an old man with a newspaper",
        ),
    ),
    Place(
        "garden", "in the garden",
        (
            "behind the roses", "under the apple tree", "next to the gate", "between the carrots",
            "in the flower pot",
        ),
        (
            "bees in the flowers", "a fat worm", "butterflies in the air", "a snail on a leaf",
        ),
    ),
    Place(
        "forest", "in the forest",
        (
            "behind a big rock", "under a pile of leaves", "in a hollow log", "at the foot of a tall tree",
            "between two roots",
        ),
        (
            "a deer between the trees", "mushrooms with red tops", "a woodpecker high up",
            "a line of ants",
        ),
    ),
    Place(
        "beach", "on the beach",
        (
            "behind a sand dune", "under a towel", "next to a pile of shells",
            "in a pool between the rocks", "behind an old boat",
        ),
        (
            "a crab in the sand", "white birds over the water", "small waves", "a ship far away",
        ),
    ),
    Place(
        "farm", "on the farm",
        (
            "in the hay", "behind the barn", "under the old cart", "next to the hen house",
            "beside the water pump",
        ),
        (
            "cows in the field", "a pig in the mud", "hens in the yard", "a sleepy horse",
        ),
    ),
    Place(
        "market", "at the market",
        (
            "under a table", "behind the apple stand", "next to the bread stand", "in an empty basket",
            "between two boxes",
        ),
        (
            "piles of red apples", "a man with balloons", "a woman who sold fish", "a boy with a drum",
        ),
    ),
    Place(
        "meadow", "in the meadow",
        (
            "in the tall grass", "under a bush", "next to the stream", "behind a gray stone",
            "among the flowers",
        ),
        (
            "sheep on the hill", "yellow butterflies", "a hare in the grass", "birds in the blue sky",
        ),
    ),
    Place(
        "river", "by the river",
        (
            "between two stones", "under the bridge", "behind a bush", "in the mud by the water",
            "next to a fallen tree",
        ),
        (
            "little fish in the water", "a frog on a leaf", "a boat with a white sail", "ducks in a row",
        ),
    ),
    Place(
        "lake", "by the lake",
        (
            "in the reeds", "under the old dock", "behind a log", "on a flat stone", "beside a blue boat",
        ),
        (
            "swans on the water", "a man with a fishing rod", "a beaver with a branch",
            "clouds in the water",
        ),
    ),
    Place(
        "playground", "at the playground",
        (
            "under the slide", "in the sandbox", "behind the swings", "next to the fence",
            "under the climbing net",
        ),
        (
            "children on the slide", "a girl with a jump rope", "two boys in the sandbox",
            "a small dog by the gate",
        ),
    ),
    Place(
        "school", "at school",
        (
            "under a desk", "behind the bookshelf", "next to the coats", "in the corner of the yard",
            "on the window sill",
        ),
        (
            "paintings on the wall", "a big map", "children in the yard", "a fish in a glass bowl",
        ),
    ),
    Place(
        "orchard", "in the orchard",
        (
            "under a plum tree", "in an empty crate", "behind the ladder", "in the long grass",
            "next to the stone wall",
        ),
        (
            "red apples on every tree", "a bird with a cherry", "wasps around the plums",
            "a goat by the wall",
        ),
    ),
    Place(
        "castle", "at the old castle",
        (
            "behind a stone wall", "under the stairs", "in an old chest", "next to the well",
            "beside the great door",
        ),
        (
            "a flag on the tower", "owls in the roof", "a sleeping cat on the wall", "roses on the stones",
        ),
    ),
)
OUTDOOR_WILD = tuple(
    p for p in PLACES if p.name in "park forest beach farm meadow river lake orchard".split()
)

WEATHERS = (
    Weather(
        "sunny",
        (
            "The sun was (warm|bright), and the sky was blue.",
            "The sun was shining.",
            "There was not a cloud in the sky.",
        ),
    ),
    Weather(
        "warm",
        (
            "The air smelled of (flowers|grass|summer).",
            "It was so warm that nobody needed a coat.",
            "Bees were busy everywhere.",
        ),
    ),
    Weather(
        "windy",
        (
            "The wind (shook|danced in) the trees.",
            "Leaves flew through the air.",
            "The wind pulled at {A}'s (hair|ears|sleeves).",
        ),
    ),
    Weather(
        "cloudy",
        (
            "Gray clouds hung in the sky.",
            "The sun was hiding behind the clouds.",
            "The clouds looked like sheep.",
        ),
    ),
    Weather(
        "cool",
        (
            "The leaves were red and gold.",
            "The grass was still wet.",
            "The air was fresh and clean.",
        ),
    ),
    Weather(
        "bright",
        (
            "Birds were singing (everywhere|in every tree).",
            "Everything looked new and clean.",
            "The light danced on the leaves.",
        ),
    ),
)

TRAITS = ("kind", "shy", "brave", "curious", "clever", "cheerful", "quiet", "gentle", "busy", "friendly")
SIZES = ("little", "small", "young")


def make_person(
    rng: random.Random, kind: str, avoid: tuple[str, ...] = (), male: bool | None = None
) -> Person:
    """A character of a kind ("child", "royal" or an animal) whose name is free."""
    if male is None:
        male = rng.random() < 0.5
    if kind == "child":
        kind, names = ("boy", BOYS) if male else ("girl", GIRLS)
    elif kind == "royal":
        (kind, _), names = ROYALS[0 if male else 1], (BOYS if male else GIRLS)
    else:
        names = (ANIMAL_BOYS if male else ANIMAL_GIRLS) if rng.random() < 0.7 else (BOYS if male else GIRLS)
    return Person(rng.choice([n for n in names if n not in avoid]), kind, male)


def make_helper(rng: random.Random) -> Helper:
    noun, male = rng.choice(HELPERS)
    return Helper("the " + noun, noun, male, ("an " if noun[0] in "aeiou" else "a ") + noun)


def make_thing(rng: random.Random, avoid: str = "") -> Thing:
    noun = rng.choice([toy for toy in TOYS if toy != avoid])
    return Thing(noun, rng.choice(COLOURS))
