"""Plots about the world outside: animals, weather, roads, plants, riddles, wishes."""

from __future__ import annotations

from grammar.engine import Story
from grammar.registry import plot
from grammar.world import make_helper

# Animal, its trouble, what helps, how it thanks.
RESCUES = (
    (
        "bird", "had a hurt wing and could not fly", "made a soft nest in a box and gave it seeds and water",
        "sang a song for {A} every morning",
    ),
    (
        "kitten", "sat high up in a tree and could not get down", "got a ladder and climbed up slowly",
        "purred and slept in {A}'s lap",
    ),
    (
        "lamb", "was caught in a bush with thorns", "pulled the branches away, one by one",
        "ran back to its mother and jumped for joy",
    ),
    (
        "turtle", "lay on its back and could not turn over", "turned it over very gently",
        "waved a foot, as if to say thank you",
    ),
    (
        "bee", "had fallen into a bucket of water", "held out a leaf, and the bee climbed on it",
        "flew three times around {A}'s head",
    ),
    (
        "duckling", "could not find its mother", "carried it along the water and listened for ducks",
        "swam away behind its mother",
    ),
    (
        "hedgehog", "was hungry and cold", "made a house of leaves and brought it some food",
        "slept in the house of leaves all winter",
    ),
    (
        "fish", "lay in a puddle that was almost dry", "carried it to deep water in a bucket",
        "jumped high out of the water",
    ),
    (
        "puppy", "was wet and shook with cold", "dried it with a blanket and gave it warm milk",
        "licked {A}'s nose and never left again",
    ),
    (
        "squirrel", "had lost all its nuts in the flood", "collected a whole bag of nuts",
        "left one golden nut at {A}'s window",
    ),
)

# The others have a place already: a tree, a bush, a bucket.
FOUND_ANYWHERE = ("bird", "duckling", "hedgehog", "puppy", "squirrel")


@plot(weight=1.3)
def helping_animal(s: Story) -> str:
    animal, trouble, help_, thanks = s.pick(RESCUES)
    s.roles.update(animal=animal, trouble=trouble, help=help_, thanks_=thanks)
    s.say(
        "{day}, {A} was walking (home|to school|{P.to}) when {A.he} heard a small sound.",
        '{day}, {A} and {friend} were {P.at}. "Did you hear that?" asked {A}.',
        "{day}, {A} went {P.to}. {weather} Then {A.he} heard a small sound.",
    )
    s.say(
        "It was a little {animal}. It {trouble}.",
        "{A} (looked around|went to look). It was a little {animal}. It {trouble}.",
    )
    if animal in FOUND_ANYWHERE:
        s.maybe(0.6, "It (was sitting|was hiding|was) {found}.")
    s.say(
        '"Oh, you poor thing!" said {A}.',
        '"Do not be afraid," said {A} softly. "I will help you."',
        '"We must help it," said {A}.',
    )
    s.paragraph()
    s.either(
        lambda: s.say("{A} {help}.", "{idea:A} {A.He} {help}."),
        lambda: s.say(
            '{A} ran to {G} and told {G.him} about the {animal}. "What would you need, if you were a_ '
                '{animal}?" asked {G}. Then {A} {help}.',
        ),
        lambda: s.say("First {A} sat very still, so that the {animal} was not afraid. Then {A.he} {help}."),
    )
    s.maybe(
        0.5,
        "It took a long time, but {A} was patient.",
        "The {animal} looked at {A} with big eyes.",
        '{G} said, "You have gentle hands."',
    )
    s.say(
        "Soon the {animal} was (well|safe|happy) again.",
        "At last, the {animal} was safe.",
        "After that, the {animal} felt much better.",
    )
    s.say("The {animal} {thanks_}.", "And the little {animal} {thanks_}.")
    s.say(
        "{happy:A}",
        '"Goodbye, little {animal}," said {A}.',
        '"You did a good thing," said {G}. {proud:A}',
        "{A} called the {animal} {petname}.",
    )
    s.say(
        "Even a small friend is a friend.",
        "{A} never forgot the little {animal}.",
        "{evening:A}",
        "Since that day, {A} has always listened for small sounds.",
    )
    return animal


OBSTACLES = (
    ("a wide stream", "There was no bridge", "jumped from stone to stone"),
    ("a thick fog", "Nobody could see the path", "followed the sound of the church bell"),
    ("a steep hill", "The path went up and up", "sang a song and climbed on"),
    ("a big goose", "It hissed and did not let anyone pass", "gave it a piece of bread"),
    ("a fallen tree", "It lay right across the path", "crawled under it"),
    ("a fork in the road", "One path went left, and one went right", "looked for the sun and went left"),
    ("a dark tunnel", "It was as black as night", "kept one hand on the wall"),
    ("a broken bridge", "Two boards were missing", "took a big step over the hole"),
)


GIFTS = (
    "a pot of soup", "a basket of apples", "a letter", "a loaf of bread", "a jar of honey", "a small box",
)
RELATIVES = (("Grandma", False), ("Grandpa", True), ("Aunt Rose", False), ("Uncle Joe", True))


@plot(weight=1.2)
def journey(s: Story) -> str:
    gift, (goal, male) = s.pick(GIFTS), s.pick(RELATIVES)
    first, second = s.rng.sample(OBSTACLES, 2)
    s.roles.update(gift=gift, the_gift="the " + gift.split(" ", 1)[1].split(" of ")[0])
    s.roles.update(goal=goal, goal_he="he" if male else "she", goal_him="him" if male else "her")
    s.roles.update(sender=s.pick(("Mom", "Dad")))
    for number, (what, problem, answer) in ((1, first), (2, second)):
        s.roles.update({f"o{number}": what, f"p{number}": problem, f"a{number}": answer})
        s.roles[f"n{number}"] = what.split(" ", 1)[1]
    s.say(
        '{day}, {sender} said, "{goal} is (sick|alone|waiting for us). Can you bring {goal_him} {gift}?"',
        "{goal} lived far away, on the other side of the (forest|hill|valley). {day}, {A} wanted to "
            "bring {goal_him} {gift}.",
    )
    s.say(
        '"Yes," said {A}. "I know the way." And off {A.he} went.',
        "{A} took {the_gift} and set off (all alone|with a song).",
        "{A} put on {A.his} (boots|hat|coat), took {the_gift} and set off with {friend}.",
    )
    s.maybe(0.4, "{weather}")
    s.paragraph()
    s.say(
        "First, {A} came to {o1}. {p1}. {A} thought for a moment. Then {A.he} {a1}.",
        "After an hour, there was {o1}. {p1}. But {A} {a1}.",
    )
    s.maybe(0.3, "{A} stopped to rest and saw {S}.", "{tired:A} {A.He} ate a piece of bread and went on.")
    s.say(
        "Then {A} came to {o2}. {p2}. {worried:A} But {A.he} {a2}.",
        'Next came {o2}. {p2}. "I will not turn back now," said {A}, and {a2}.',
        "And then there was {o2}! {p2}. {A} {a2}.",
    )
    s.paragraph()
    s.say(
        "At last, {A} saw a light in a window. It was {goal}'s house!",
        "When the sun went down, {A} stood in front of {goal}'s door.",
        "Finally, {A} knocked at {goal}'s door.",
    )
    s.say(
        '"You came all this way for me?" said {goal}. {goal_he} hugged {A} and took {the_gift}.',
        '{goal} was so happy to see {A}. "What a brave {A.kind} you are!" {goal_he} said.',
        '"This is for you," said {A}, and gave {goal} {the_gift}.',
    )
    s.say(
        "They sat by the fire, and {A} told {goal_him} about the {n1} and the {n2}.",
        "{goal} made tea, and {A} talked about the whole journey.",
        "They ate and laughed, and {A} slept there that night.",
    )
    s.maybe(
        0.5,
        "{proud:A}",
        "The way back was much shorter, because {A} knew it now.",
        '"It was a long way," said {A}, "but it was worth it."',
    )
    return gift


@plot(weight=1.1)
def storm(s: Story) -> str:
    shelter = s.pick(("an old barn", "a hollow tree", "a small cave", "a shed", "the bakery"))
    s.roles.update(shelter=shelter, the_shelter="the " + shelter.split(" ", 1)[1])
    s.say("{day}, {A} and {friend} were {P.at}.", "{day}, {A} and {friend} went {P.to}. They looked at {S}.")
    s.say(
        "Suddenly, the sky turned (dark|black|gray). The wind began to blow.",
        "Then a cold wind came up. A drop of rain fell on {A}'s nose.",
        '"Look at the sky!" said {B}. A big black cloud was coming.',
    )
    s.say(
        "Boom! The thunder rolled over the land. Rain (poured|came) down.",
        "Soon it was raining so hard that they could not see the path.",
        "Lightning flashed, and the trees bent in the wind.",
    )
    s.maybe(0.7, "{scared:B}", "{scared:A}", "\"I am afraid,\" said {B}.")
    s.paragraph()
    s.say(
        '"We must find a dry place," said {A}. They ran to {shelter}.',
        "{A} took {B}'s hand, and they ran to {shelter}.",
        '"Over there!" cried {A}. They ran as fast as they could to {shelter}.',
    )
    s.either(
        lambda: s.say(
            "Inside {the_shelter}, {A} told a funny story, so that {B} was not afraid.",
            "In {the_shelter}, they sang songs, louder than the thunder.",
        ),
        lambda: s.say(
            "Someone else was there too: a wet little (dog|cat|rabbit|goat). They kept it warm.",
            'In the corner sat a little (mouse|bird|rabbit). "You can stay with us," said {A}.',
        ),
        lambda: s.say(
            "They sat close together. {A} put {A.his} {T} around {B}.",
            "{B} was cold, so {A} shared {A.his} {T} with {B.him}.",
        ),
    )
    s.say(
        "After a while, the rain stopped.",
        "Slowly, the thunder moved away.",
        "Then it was quiet. Only drops fell from the leaves.",
    )
    s.say(
        "They looked out. There was a rainbow over the {skyline}!",
        "The sun came out, and everything shone like glass.",
        "A rainbow stood in the sky, with all its colors.",
    )
    s.say(
        '"(It is beautiful|How beautiful)!" said {B}.',
        '"The storm is gone," said {A}. "And we are still here."',
        "{happy:B}",
    )
    s.say(
        "{G} was waiting at the door with dry (clothes|towels) and hot soup.",
        "At home, {G} hugged them both.",
        "They jumped in every puddle on the way home.",
        '"Were you afraid?" asked {G}. "Only a little," said {A}, "because we were together."',
        "From then on, {B} was not so afraid of storms.",
    )
    return shelter


PLANTS = (
    ("a sunflower", "sunflower", "as tall as the roof"),
    ("an apple tree", "tree", "full of white flowers"),
    ("a pumpkin", "pumpkin", "as big as a chair"),
    ("a rose", "rose", "as red as the evening sun"),
    ("a bean plant", "bean plant", "so high that it reached the window"),
    ("a strawberry plant", "plant", "full of sweet red berries"),
)


@plot()
def seed(s: Story) -> str:
    a_plant, plant, result = s.pick(PLANTS)
    s.roles.update(a_plant=a_plant, plant=plant, result=result)
    s.say(
        '{day}, {G} gave {A} a tiny seed. "(Take good care of it|Plant it and wait)," said {G}.',
        '{day}, {A} found a seed {found}. "What will it be?" {A.he} wondered.',
        "{day}, {A} bought a seed at the market for one coin.",
    )
    s.say(
        "{A} made a hole in the ground, put the seed in and gave it water.",
        "{A} planted the seed in (a pot|the garden|good brown earth) and watered it.",
    )
    s.say(
        "The next morning, {A} ran to look. But there was nothing to see.",
        "{A} waited one day. {A.He} waited two days. Nothing happened.",
        '"Grow!" said {A}. But the seed did not grow.',
    )
    s.say(
        "{sad:A}",
        '"Maybe it is asleep," said {B.title}.',
        '"Maybe it is a bad seed," said {A}.',
        '"Good things take time," said {G}.',
    )
    s.paragraph()
    s.either(
        lambda: s.say("But {A} did not give up. Every day, {A.he} gave it water and sang to it."),
        lambda: s.say(
            '{A} wanted to dig it up to look. "Do not do that," said {G}. "It is working where you '
                'cannot see it." So {A} waited.',
        ),
        lambda: s.say(
            "Then it was very hot, and {A} carried water every morning and every evening.",
            "One night it was cold, and {A} covered the place with a blanket.",
        ),
    )
    s.say(
        "Then, one morning, there was a tiny green leaf!",
        "And after a week, something green looked out of the ground.",
        'One {W} morning, {A} cried, "Look! It is growing!"',
    )
    s.say(
        "It grew and grew. In the summer, it was {a_plant}, {result}.",
        "It became {a_plant}. Soon it was {result}.",
        "Week after week, it grew, until it was {a_plant}, {result}.",
    )
    s.say("{proud:A}", "{surprised:A}", "{happy:A}", "\"You see?\" said {G}. \"You took good care of it.\"")
    s.say(
        "{A} kept the new seeds and gave one to {B}.",
        "Everyone came to see the {plant}.",
        "{A} learned to wait, and waiting was not so hard any more.",
        '"Next year, I will plant ten!" said {A}.',
    )
    return plant


MYSTERIES = (
    (
        "the cookies were gone from the plate", "crumbs on the floor",
        "a little mouse with a very round belly", "It had a nest full of babies",
    ),
    (
        "there was a loud noise in the attic", "feathers on the stairs", "a white owl on an old chair",
        "It had come in through the broken window",
    ),
    (
        "one of {A}'s shoes was gone", "small paw prints in the mud", "a puppy that slept on the shoe",
        "It only wanted something soft",
    ),
    ("the milk was gone from the bowl", "white spots on the path", "a thin gray kitten", "It had no home"),
    (
        "someone had eaten the carrots", "little holes in the ground", "a family of rabbits",
        "They had come because of the snow on the hill",
    ),
    (
        "something went bump in the garden", "a line of broken flowers", "a lost baby goat",
        "It had jumped over the fence",
    ),
    (
        "there was a light in the old mill", "fresh steps in the dust", "an old painter with a lamp",
        "He painted the moon every night",
    ),
)


@plot()
def mystery(s: Story) -> str:
    what, clue, culprit, reason = s.pick(MYSTERIES)
    s.roles.update(what=what, clue=clue, culprit=culprit, reason=reason)
    s.say(
        "{day}, {what}.",
        "{day}, something strange happened: {what}.",
        '"{G}, come quickly!" called {A}. "Something is wrong!" That morning, {what}.',
    )
    s.say(
        '"Who did that?" asked {A}.',
        '"That is very strange," said {G}.',
        '"It was not me," said {B.title}. "And it was not me," said {A}.',
        "{surprised:A}",
    )
    s.say(
        '"We are detectives now," {A} told {A.his} friend {B.named}. They took a lamp and began to look.',
        "{A} wanted to find out. {A.He} called {B}, and they looked everywhere.",
    )
    s.paragraph()
    s.say(
        "Soon they found {clue}.",
        (
            '"Look here!" whispered {B}. There were {clue}.'
            if clue.split()[0] not in ("a",)
            else '"Look here!" whispered {B}. There was {clue}.'
        ),
    )
    s.say(
        "They followed the trail, step by step, {through}.",
        '"Let us see where it goes," said {A}. They went on tiptoe.',
        '"Shh," said {A}. "We must be very quiet."',
    )
    s.maybe(0.5, "{scared:B}", "{scared:A} But {A.he} wanted to know.", "A door creaked. They both jumped.")
    s.say(
        "And what did they see? It was {culprit}!",
        "Then they saw it. It was {culprit}!",
        "{breath:A} Then {A.he} held up the lamp. There was {culprit}.",
    )
    s.say("{reason}.", "\"So that is the secret!\" said {A}. {reason}.")
    if culprit.startswith("an old painter"):
        s.say(
            "He showed them his pictures, and they were wonderful.",
            '"Would you like to see my pictures?" he asked.',
        )
    else:
        s.roles["them"] = "it" if reason.startswith("It") else "them"
        s.say(
            '"Can we (help|feed) {them}?" asked {A}. {G} (smiled and nodded|said yes).',
            "They gave {them} food and a warm place to sleep.",
        )
    s.say(
        "So a mystery became a new friend.",
        "{A} and {B} were the best detectives in the village.",
        "That was the end of the mystery.",
        "They laughed all the way home.",
        "{evening:A}",
    )
    return culprit.split()[-1]


WISHES = (
    ("a little fish with golden scales", "fish", "threw it back into the water"),
    ("a tiny fairy in a spider's web", "fairy", "set her free"),
    ("a star that had fallen into the grass", "star", "put it on the highest hill, so that it could go home"),
    ("an old lamp with a small blue ghost in it", "ghost", "opened the lid"),
)


@plot()
def wish(s: Story) -> str:
    first, name, deed = s.pick(WISHES)
    s.roles.update(first=first, magic=name, deed=deed)
    s.say("{day}, {A} was {P.at}. {found}, {A.he} saw {first}.", "{day}, {A} went {P.to} and found {first}.")
    s.say(
        '"Please help me," said the {magic}. {A} {deed}.',
        '"If you help me, I will give you one wish," said the {magic}. So {A} {deed}.',
    )
    s.say(
        '"Thank you," said the {magic}. "You have one wish. Think well."',
        '"You are kind," said the {magic}. "You may wish for one thing."',
    )
    s.say(
        "{A} thought of {a_thing}. {A.He} thought of a mountain of candy.",
        '"I could have {a_thing}!" thought {A}.',
        "{A} could wish for anything in the world.",
    )
    s.paragraph()
    s.roles["H"] = make_helper(s.rng)
    s.either(
        lambda: s.say(
            'But then {A.he} thought of {A.his} friend {B.named}, who was sick in bed. "I wish that {B} '
                'gets well," said {A}. The next morning, {B} was standing at the door, and {B.he} laughed.',
        ),
        lambda: s.say(
            'Then {A.he} remembered {H.first} who had no warm house. "I wish for a warm house for {H}," '
                "said {A}. And that night, there was smoke over a new little house.",
        ),
        lambda: s.say(
            'But there had been no rain for weeks, and the whole village was thirsty. "I wish for '
                'rain," said {A}. A moment later, the first drop fell.',
        ),
        lambda: s.say(
            '"I wish for {a_thing}," said {A}. And there it was! But {A} had nobody to share it with. '
                'So {A.he} went to {B.title} and said, "Half of it is yours."',
        ),
    )
    s.say(
        '"That was a good wish," said the {magic}.',
        'The {magic} smiled. "You have chosen well," said the {magic}.',
        "High above, something bright was shining, as if the {magic} was happy too.",
    )
    s.say(
        "{happy:A}",
        "{A} went home with empty hands and a full heart.",
        "{evening:A}",
        "And {A} never told anyone but {G}.",
    )
    return name


@plot()
def lost_child(s: Story) -> str:
    s.say("{day}, {A} went {P.to} with {G}.", "{day}, {G} took {A} {P.to}.")
    s.say(
        '"Stay close to me," said {G}. But {A} saw {S} and went to look.',
        "There was so much to see! {A} stopped to look at {S}.",
        "{A} ran after a yellow butterfly. It flew farther and farther.",
    )
    s.say(
        "When {A.he} turned around, {G} was gone.",
        "Then {A} looked up. {G} was not there any more!",
        "Suddenly, {A} did not know where {A.he} was.",
    )
    s.say("{scared:A}", "{worried:A}", "\"{G}? {G}!\" called {A}. Nobody answered.")
    s.paragraph()
    s.roles["H"] = make_helper(s.rng)
    s.either(
        lambda: s.say(
            'Then {A} remembered what {G} had said: "If you are lost, stay where you are." So {A} sat '
                "down {found} and waited.",
        ),
        lambda: s.say(
            '{H.first} saw {A}. "Are you lost?" {H.he} asked. "I will wait here with you," {H.he} said.',
        ),
        lambda: s.say(
            '{A} met {B.title}. "I know this place," said {B}. "Come, I will help you." Together they '
                "looked for {G}.",
        ),
        lambda: s.say(
            "{idea:A} {A.He} climbed on a big stone and began to sing the song that {G} always sang.",
        ),
    )
    s.say("It felt like a very long time.", "The minutes were long.", "{A} tried to be brave.")
    s.say(
        'Then {A} heard a voice. "{A}! There you are!" It was {G}.',
        'And then {G} came around the corner. "{A}!" {G} cried.',
        "At last, {A} saw {G}'s (coat|hat) and ran as fast as {A.he} could.",
    )
    s.say(
        '{G} held {A} tight. "I looked for you everywhere," said {G}.',
        "They hugged for a long time.",
        '"I am sorry that I walked away," said {A}. "I am so glad that I found you," said {G}.',
    )
    s.say(
        "On the way home, {A} held {G}'s hand and did not let go.",
        "After that, {A} always stayed close.",
        'That evening, {A} said, "The best place is next to you."',
        "{evening:A}",
    )
    return s.roles["P"].name


MAPS = (
    ("an old chest full of shiny buttons", "buttons"),
    ("a box with a letter in it", "letter"),
    ("a tin full of marbles", "marbles"),
    ("a jar of old coins", "coins"),
    ("a wooden ship in a bottle", "ship"),
)


@plot()
def treasure(s: Story) -> str:
    what, name = s.pick(MAPS)
    s.roles.update(what=what, treasure=name)
    s.say(
        "{day}, {A} found an old map (in a book|in the attic|in a bottle|under the stairs). There was a "
            "red cross on it.",
        "{day}, {G} gave {A} an old piece of paper. It was a treasure map!",
    )
    s.say(
        '"A treasure!" cried {A}, and ran to get {friend}.',
        '{A} showed it to {friend}. "Let us find it!" said {B}.',
    )
    s.say("The map led them {P.to}. {weather}", "They followed the map {P.to}. There they saw {S}.")
    s.say(
        '"Ten steps to the (left|right)," read {B}. They counted, but there was only {miss_thing}.',
        "First they dug in the wrong place and found only {miss_thing}.",
        '"I cannot find the cross," said {B}. They turned the map around. It had been upside down!',
    )
    s.paragraph()
    s.say(
        '{idea:A} "We must look {found}!"',
        'Then {A} read the map again. "Look, it must be {found}!"',
        '"Wait," said {B}. "The map shows this place! It must be {found}."',
    )
    s.say(
        "They dug and dug. At last, they found {what}.",
        "And there, under the earth, was {what}!",
        "Clunk! They had hit something hard. It was {what}!",
    )
    s.say("{surprised:A}", "{happy:B}", "\"We are rich!\" laughed {B}.", "\"Who put it here?\" asked {B}.")
    s.say(
        '"I hid it when I was as small as you," said {G}, and laughed.',
        "It was not gold, but to {A} and {B} it was better than gold.",
        (
            "They shared it. One half was for {A}, and one half was for {B}."
            if name in ("buttons", "marbles", "coins")
            else "They put it on a shelf, where everyone could see it."
        ),
    )
    s.say(
        '"The best part was to look for it with you," said {A}.',
        "{together}",
        "Then they drew a new map and hid a treasure of their own.",
        "{evening:A}",
    )
    return name


# The work, the tool for it, and a small part of it.
JOBS = (
    ("paint the fence", "a brush", "one board"),
    ("pick all the apples", "a basket", "one tree"),
    ("clean the barn", "a broom", "one corner"),
    ("wash the whole floor", "a bucket", "one square"),
    ("carry the wood into the house", "a small cart", "one log"),
    ("pull the weeds", "a pair of gloves", "one row"),
)


@plot(weight=0.9)
def big_job(s: Story) -> str:
    """A helps a grown-up with work that looks too big."""
    job, tool, part = s.pick(JOBS)
    s.roles.update(job=job, tool=tool, part=part)
    s.roles["H"] = make_helper(s.rng)
    s.say(
        "{day}, {H} had hurt {H.his} back, but {H.he} had to {job}.",
        "{H} lived next door. {day}, {H.he} had to {job}, but {H.he} was sick.",
    )
    s.say(
        '"Can I help you?" asked {A}. "It is a lot of work," said {H}.',
        '{A} wanted to play outside. But then {A.he} looked at {H} and said, "I will help you."',
        '"I will do it!" said {A}.',
    )
    s.say(
        "{A} took {tool} and began. But the work was so big! After an hour, {A} was tired.",
        '{A} got {tool}. There was so much to do! "I will never finish," {A.he} thought.',
    )
    s.paragraph()
    s.either(
        lambda: s.say(
            '"Do not think of all of it," said {H}. "Only think of {part}, and then of the next." So '
                "{A} did {part}, and then the next.",
        ),
        lambda: s.say(
            'Then {B.title} came by. "What are you doing?" {B.he} asked. "It looks like fun!" Soon {B} '
                "helped too, and then three more friends came.",
        ),
        lambda: s.say(
            "{A} began to sing. With a song, the work was not so hard. {part} was done, and then the next.",
        ),
    )
    s.say(
        "When the sun went down, all the work was done.",
        "And before dinner, it was finished.",
        "Step by step, it was all done.",
    )
    s.say(
        '{H} had wet eyes. "How can I thank you?" {H.he} asked.',
        '"You are a wonderful {A.kind}," said {H}.',
        '"I could not have done it without you," said {H}.',
    )
    s.say(
        "{H} gave {A} {O.a}. {happy:A}",
        "They sat together and ate apple pie.",
        '"You do not have to," said {A}. "I like to help."',
    )
    s.say(
        "{A} was tired, but {A.he} was proud too.",
        "{A} felt good all evening.",
        "{evening:A}",
        "Many small steps can do a big job.",
    )
    return job
