"""Short episodes that follow a plot: what happened the next day, or years later.

They take up what the story was about, so that it does not simply stop.
"""

from __future__ import annotations

from grammar.engine import Story


def epilogue(s: Story) -> None:
    """Adds one episode as a paragraph of its own."""
    s.paragraph()
    s.pick(EPISODES)(s)


def tell_family(s: Story) -> None:
    s.say(
        "The next day, at dinner, {A} told {G} the whole story.",
        "The next morning, {A} told {G} everything again.",
        "When {A} told {G} about it, {G} listened to every word.",
    )
    s.say(
        '"What did you like best?" asked {G}. {A} thought about it. "(Everything|The end|All of it)," '
            "{A.he} said, and yawned.",
        '"And what did you learn?" asked {G}. "That I can do more than I thought," said {A}.',
        '"And what did you learn?" asked {G}. "That it is good to have a friend," said {A}.',
        '"I wish I had been there," said {G}. "Next time, you can come with me," said {A}.',
        '"What a day!" said {G}. "And tomorrow there will be another one," said {A}.',
        '{G} smiled. "You are growing so fast," {G.he} said.',
    )


def draw_picture(s: Story) -> None:
    s.say(
        "The next day, {A} drew a picture of it all.",
        "Later, {A} took paper and paint and made a picture of that day.",
    )
    s.say(
        "In the middle was {A} {A.himself}, and next to {A.him} was the {W} sky.",
        "There was a lot of {O.colour} in it, because {A} liked {O.colour}.",
        "{G} was in it too, with very long legs.",
    )
    s.say(
        "{G} put the picture on the wall.",
        "The picture is still on the wall today.",
        "{A} gave the picture to {B.plain}.",
    )


def look_at_stars(s: Story) -> None:
    s.say(
        "The next evening, {A} looked out of the window. The sky was full of stars.",
        "The next evening, {A} and {G} looked at the stars.",
    )
    s.say(
        "One star fell, and {A} made a wish. (It is still a secret|But it is a secret what it was).",
        "The biggest star seemed to wink at {A}.",
        "{A} tried to count them, but there were too many.",
    )
    s.say(
        '"Good night, stars," said {A}.',
        '"Good night, world," {A.he} whispered, and closed {A.his} eyes.',
        "Then {A.he} fell asleep.",
    )


def new_pet(s: Story) -> None:
    s.say(
        "The next morning, a small gray cat sat in front of {A}'s door.",
        "A few days later, when {A} came home, a little brown dog followed {A.him} to the door.",
    )
    s.say(
        '"Who are you?" asked {A}. It had no name and no home.',
        "It looked at {A} and did not want to go away.",
    )
    s.say(
        '"May it stay?" asked {A}. {G} thought for a while. "Yes," said {G}, "if you look after it."',
        '{A} gave it some milk. "It likes you," said {G}. "It may stay."',
    )
    s.say("{A} named it {petname}.", "So {petname} came to live with {A}. That was its new name.")


def puddle(s: Story) -> None:
    s.say("The next day, it rained.", "On the next day, the rain fell and fell.")
    s.say(
        "{A} put on {A.his} boots and jumped into the biggest puddle. Splash!",
        '"What shall we do now?" asked {A}. {G} put on a big yellow coat. "Let us jump in the puddles!" '
            "said {G}.",
    )
    s.say(
        "Soon {A} was wet from head to toe, but {A.he} only laughed.",
        "Even a duck came to look.",
        "It was just as much fun as a day in the sun.",
    )


def pancakes(s: Story) -> None:
    s.say(
        "The next morning, there was a wonderful smell in the house. {G} was making pancakes.",
        "The next day, {A} and {G} made pancakes.",
    )
    s.say(
        "{A} tried to turn one in the air. It landed on {G}'s head!",
        "The first one was black, and the second one was too thick, but the third was just right.",
        "{A} ate five, and {G} ate six.",
    )
    s.say(
        "They laughed until their tummies hurt.",
        '"Pancakes make every day better," said {G}.',
        "The last one was for the birds.",
    )


def years_later(s: Story) -> None:
    s.say(
        "Many years later, when {A} was old, {A.he} still liked to tell this story.",
        "{A} is big now, but {A.he} still remembers that {W} day.",
    )
    s.say(
        '"Was it really like that?" the children always asked. "Every word of it," said {A}.',
        "And every time, the story got a little longer.",
        "And if you listen well, {A.he} will tell it to you too.",
        "Some say that {A.he} still smiles when {A.he} thinks of it.",
    )


def hide_and_seek(s: Story) -> None:
    s.say(
        "The next day, {A} and {B} played hide and seek.",
        "The next day, there was time for a game of hide and seek with {B}.",
    )
    s.say("{A} hid {found}. It was a very good place.", "{B} counted to twenty, and {A} hid {miss}.")
    s.say(
        "{B} looked {miss2}, but nobody was there. Then {A} sneezed, and {B} found {A.him} at once.",
        "{B} looked and looked. In the end, {A} had to laugh, and {B} found {A.him}.",
    )
    s.say(
        '"You always laugh!" said {B}.',
        '"Now it is your turn to hide," said {A}.',
        "They played until {G} called them for dinner.",
    )


EPISODES = (
    tell_family,
    tell_family,
    draw_picture,
    look_at_stars,
    new_pet,
    puddle,
    pancakes,
    years_later,
    hide_and_seek,
)
