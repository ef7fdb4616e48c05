"""How a story begins: who it is about, and where that one lives."""

from __future__ import annotations

from grammar.engine import Story

HOMES = (
    "in a (little|small|cozy) house by the (river|sea|forest)",
    "at the edge of a (quiet|green|deep) forest",
    "in a (small|quiet|busy) village",
    "near the (lake|mountains|old bridge|sea)",
    "on top of a (green|small|windy) hill",
    "in a (warm|little) house with a (red|green|blue) door",
)
HOBBIES = (
    "sing", "draw pictures", "run in the grass", "tell stories", "look at the stars", "climb trees",
    "jump in puddles", "play outside", "dance", "ask questions", "collect leaves", "count birds",
    "help others", "make things", "swim", "read books",
)
LIKED = ("kind", "cheerful", "friendly", "gentle", "funny", "helpful")


def introduce(s: Story) -> None:
    """The first sentences. They name A and say what A is."""
    choose_details(s)
    if s.rng.random() < 0.12:
        begin_with_the_day(s)
        return
    if s.rng.random() < 0.06 and s.roles["A"].is_child:
        return  # the plot begins at once
    if s.rng.random() < 0.06 and s.roles["pair"]:
        begin_with_friends(s)
        return
    s.say(
        "Once upon a time(,|) there was a_ ({size}|{trait}|{size}|{trait} {size}) {A.kind} "
            "(named|named|called) {A}.",
        "Once upon a time(,|) there was a_ {size} {A.kind} named {A} who loved to {hobby}.",
        "Once upon a time, a_ ({size}|{trait}) {A.kind} named {A} lived {home}.",
        "Once upon a time, {home}, there lived a_ ({size}|{trait}) {A.kind} named {A}.",
        "(Once there was|There was once) a_ ({size}|{trait}) {A.kind} named {A}.",
        "There was a_ ({size}|{trait}) {A.kind} whose name was {A}.",
        "There once was a_ ({size}|{trait}) {A.kind} named {A} who lived {home}.",
        "Long ago, a_ ({size}|{trait}) {A.kind} named {A} lived {home}.",
        "{home}, there lived a_ ({size}|{trait}) {A.kind} named {A}.",
        "{A} was a_ ({size}|{trait}|{trait} {size}) {A.kind}.",
        "{A} was a_ ({size}|{trait}) {A.kind} who loved to {hobby}.",
        "{A} was a_ ({size}|{trait}) {A.kind} who lived {home}.",
        "This is the story of a_ ({size}|{trait}) {A.kind} named {A}.",
        "A_ ({size}|{trait}) {A.kind} named {A} lived {home} with {A.his} family.",
    )
    s.maybe(
        0.3,
        "{A.He} loved to {hobby2}.",
        "Every day, {A} liked to {hobby2}.",
        "Everyone liked {A} because {A.he} was so {liked}.",
        "{A} liked two things best: to {hobby2}, and to be with {G}.",
        "{A} had (big brown|bright blue|green|dark) eyes and a (big|warm|happy) smile.",
    )


def choose_details(s: Story) -> None:
    s.roles["home"] = s.pick(HOMES)
    s.roles["hobby"], s.roles["hobby2"] = s.rng.sample(HOBBIES, 2)
    s.roles["liked"] = s.pick(LIKED)


def begin_with_the_day(s: Story) -> None:
    """Opens with the day itself; the plot then goes on with "that day"."""
    s.say(
        "{day}, a_ {size} {A.kind} named {A} woke up early.",
        "{day}, a_ ({size}|{trait}) {A.kind} named {A} looked out of the window. {weather}",
        "\"What a {W} day!\" said {A}. {A} was a_ {size} {A.kind} who lived {home}.",
        "It was a_ {W} day. A_ ({size}|{trait}) {A.kind} named {A} was in a good mood.",
        "\"Good morning!\" said {G}. A_ {size} {A.kind} named {A} jumped out of bed.",
    )
    s.maybe(
        0.5,
        "{A} ate breakfast with {G}.",
        '"Today will be a good day," {A} said.',
        "{A.He} loved to {hobby}.",
    )
    day = ["That day", "Later that day", "That (morning|afternoon)", "After breakfast", "A little later"]
    s.phrases = {**s.phrases, "day": day}
    s.roles["day_low"] = "that day"


def begin_with_friends(s: Story) -> None:
    """Opens with both A and B."""
    s.say(
        "{A.named} and {B.named} were (good|best) friends.",
        "Once upon a time, there were two friends. Their names were {A.named} and {B.named}.",
        "{A.named} and {B.named} lived in the same (village|street|valley), and they were good friends.",
    )
    s.maybe(0.4, "They both loved to {hobby}.", "{A} loved to {hobby}, and {B} loved to {hobby2}.")
