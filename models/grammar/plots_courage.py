"""Plots about what goes on inside: fear, practice, losing, being new or different."""

from __future__ import annotations

from grammar.engine import Story
from grammar.registry import plot

# What is feared, where it is met, a first small step, how it ends.
FEARS = (
    (
        "the dark", "When the light went out, the room was as black as ink",
        "look into the dark for a moment", "saw hundreds of stars through the window",
        "The dark was quiet and soft",
    ),
    (
        "deep water", "The water was green, and nobody could see the bottom", "put one foot in the water",
        "floated like a leaf", "The water was cool and carried {A.him}",
    ),
    (
        "thunder", "Boom! The thunder rolled over the roof", "count between the flash and the boom",
        "counted all the way to ten", "The storm was only moving away",
    ),
    (
        "high places", "The ladder was taller than the house", "climb one step and stop",
        "stood at the top and saw the whole valley", "The world looked small and beautiful",
    ),
    (
        "big dogs", "A huge dog lived behind the fence and barked all day", "hold out one hand and wait",
        "felt a warm, wet tongue", "The big dog only wanted a friend",
    ),
    (
        "the big slide", "The slide was so tall that it touched the sky", "go up only halfway and look",
        "flew down with both arms in the air", "It felt like flying",
    ),
    (
        "the stage", "Everyone would be looking", "sing for just one friend",
        "sang the whole song without a mistake", "Everybody clapped and cheered",
    ),
    (
        "spiders", "A spider had made its web right over the bed", "look at the web from far away",
        "saw the web shine like silver", "The spider was small, and it was busy with its own work",
    ),
    (
        "the old bridge", "The bridge moved in the wind and made a creaking sound",
        "hold the rope and take one step", "walked all the way to the other side",
        "The bridge was stronger than it looked",
    ),
    (
        "the cellar", "The cellar stairs went down into the shadows",
        "take a lamp and stand on the first stair", "found a shelf full of sweet jam",
        "It was only a room with a cold floor",
    ),
)


@plot(weight=1.3)
def fear(s: Story) -> str:
    what, scene, step, result, truth = s.pick(FEARS)
    s.roles.update(what=what, scene=scene, step=step, result=result, truth=truth)
    s.say(
        "{A} was brave about many things, but {A.he} was afraid of {what}.",
        "There was only one thing that {A} did not like: {what}.",
        "{A} was afraid of {what}. {A.He} never told anyone.",
        "More than anything, {A} feared {what}.",
    )
    s.maybe(
        0.4,
        "The other children laughed about it." if s.roles["A"].is_child else "The others laughed about it.",
        "{B.title} was not afraid at all.",
        "Even the thought of it made {A.his} knees shake.",
    )
    s.say("{scene}.", "{day}, it happened. {scene}.")
    s.say(
        "{scared:A}",
        '"I cannot do it," {A} whispered.',
        '{scared:A} "I want to go home," {A.he} said.',
    )
    s.paragraph()
    s.either(lambda: fear_grown_up(s), lambda: fear_friend(s), lambda: fear_need(s))
    s.say(
        "{breath:A} Then {A.he} did it.",
        "Slowly, very slowly, {A} tried. {breath:A}",
        "{breath:A} {A.He} was still scared, but {A.he} tried anyway.",
    )
    s.say(
        "First one try. Then another. And then {A.he} {result}!",
        "And do you know what happened? {A} {result}!",
        "A moment later, {A} {result}.",
    )
    s.say("{truth}.", "{truth}. It was not bad at all.", "{truth}. {A} began to laugh.")
    s.say(
        '"You see?" said {who}. "Being brave means to be scared and do it anyway."',
        '"I did it!" cried {A}. {proud:A}',
        "{proud:A}",
        '"Again!" said {A}, and {who} laughed.',
    )
    s.say(
        "From that day on, {A} was not afraid of {what} any more.",
        "{A} was still a little afraid of {what}, but now {A.he} knew what to do.",
        "{evening:A}",
        "Now when someone else was afraid, {A} held out a hand and helped.",
    )
    return what


def fear_grown_up(s: Story) -> None:
    s.roles["who"] = s.roles["G"]
    s.say(
        '{G} sat down next to {A}. "When I was little, I was afraid of {what} too," {G} said.',
        "{G} saw it and took {A}'s hand. \"Everyone is afraid of something,\" {G} said.",
    )
    s.say(
        '"You do not have to do it all at once. Just {step}."',
        '"Shall we try it together? First, {step}."',
        '"Start small," said {G}. "You only have to {step}."',
    )


def fear_friend(s: Story) -> None:
    s.roles["who"] = s.roles["B"]
    s.say(
        '{B} did not laugh. "I will stay with you," {B.he} said.',
        '{A.His} friend {B} came and stood close. "I am scared too sometimes," said {B}.',
    )
    s.say(
        '"I have a trick. You just {step}. Then the fear gets smaller."',
        '"Let us {step}, you and me."',
    )


def fear_need(s: Story) -> None:
    s.roles["who"] = s.roles["B"]
    s.say("Then {A} heard a cry. It was {B}! \"Help me, {A}!\" {B} called. There was no time to be afraid.",
          "But {B} needed help, and nobody else was there.")
    s.say(
        '"I am coming!" called {A}. "First, I will {step}," {A.he} said to {A.himself}.',
        '{A} thought of {B}. "I will {step}," {A.he} said. "And then I will see."',
    )


# Skill, first failure, advice, success, and what the new skill is good for.
SKILLS = (
    (
        "ride a bike", "the bike tipped over, and {A.he} fell into a bush",
        "look ahead and not down at your feet", "rode down the whole street", "rode to {B}'s house",
    ),
    (
        "swim", "water went up {A.his} nose", "kick your legs and breathe slowly", "swam across the pond",
        "swam with {B} in the lake",
    ),
    (
        "whistle", "only air came out", "make your lips small and round", "whistled a clear, high note",
        "whistled a song for {B}",
    ),
    (
        "bake bread", "the bread came out as hard as a stone", "let the dough rest for a while",
        "took a warm, golden loaf out of the oven", "shared the bread with {B}",
    ),
    (
        "play the flute", "it sounded like an angry goose", "play one note at a time", "played a whole song",
        "played the song for {B}",
    ),
    (
        "skate", "{A.his} feet went one way and {A.he} went the other", "bend your knees a little",
        "skated in a big circle", "skated with {B} on the frozen pond",
    ),
    (
        "tie a knot", "the rope fell apart again and again", "go around once and then pull it through",
        "tied a strong knot", "used the knot to fix {B}'s swing",
    ),
    (
        "paint", "all the colors ran into one brown spot", "wait until the first color is dry",
        "painted a red boat on a blue sea", "gave the painting to {B}",
    ),
    (
        "catch a ball", "the ball flew right past {A.his} hands", "keep your eyes on the ball",
        "caught the ball with both hands", "played catch with {B} all day",
    ),
    (
        "read", "the letters looked like little ants", "say every sound slowly", "read a whole page",
        "read a story to {B}",
    ),
    (
        "dance", "{A.he} stepped on {A.his} own feet", "listen to the drum",
        "turned in a circle and did not fall", "danced with {B} at the summer party",
    ),
    (
        "jump rope", "the rope caught {A.his} feet every time",
        "jump when you hear the rope touch the ground", "jumped twenty times", "jumped together with {B}",
    ),
)


@plot(weight=1.3)
def skill(s: Story) -> str:
    what, failure, advice, success, use = s.pick(SKILLS)
    s.roles.update(what=what, failure=failure, advice=advice, success=success, use=use)
    s.say(
        "{A} wanted to learn to {what}.",
        "All of {A}'s friends could {what}, but {A} could not.",
        "{A.His} friend {B.named} could {what}. {A} wanted to do it too.",
        "More than anything, {A} wished to {what}.",
    )
    s.say(
        "{day}, {A.he} tried it for the first time. But {failure}.",
        "{A} tried, but {failure}.",
        "It looked so easy! But when {A} tried, {failure}.",
    )
    s.say(
        "{sad:A}",
        "{angry:A}",
        '"I will never learn to {what}," said {A}.',
        '"It is too hard!" {A} said. "I give up."',
    )
    s.paragraph()
    s.roles["who"] = s.pick((s.roles["G"], s.roles["B"]))
    s.say(
        '"Nobody can do it the first time," said {who}. "Try to {advice}."',
        '"I had to try many times too," said {who}. "Here is the secret: {advice}."',
        '{who} saw it. "Do not give up yet," said {who}. "You must {advice}."',
    )
    s.say(
        "So {A} tried again. It was a little better. The next day, {A.he} tried again, and the day "
            "after that.",
        "{A} practiced every (day|morning|evening). Sometimes it went well, and sometimes it did not.",
        "{A} tried once, twice, ten times. (Slowly|Little by little), it got better.",
        "Every day after lunch, {A} went out and practiced.",
    )
    s.say(
        "Then, one {W} (morning|afternoon), {A} {success}!",
        "After (a week|seven days|many days), {A} {success}.",
        "And one day, without thinking about it, {A} {success}.",
    )
    s.say(
        "{happy:A}",
        "{proud:A}",
        '"Look at me!" {A} called. "I can do it!"',
        '"You did it!" cried {who}. {proud:A}',
    )
    s.say("That afternoon, {A} {use}.", "The first thing {A} did was this: {A.he} {use}.", "Soon {A} {use}.")
    s.maybe(
        0.6,
        '"It was hard," said {A}, "but I did not give up."',
        "{A} knew now that practice makes hard things easy.",
        "{evening:A}",
        (
            'Then a smaller child came and asked, "Can you teach me?" And {A} did.'
            if s.roles["A"].is_child
            else 'Then someone small came and asked, "Can you teach me?" And {A} did.'
        ),
    )
    return what


RACES = (
    ("running race", "ran"),
    ("boat race", "rowed"),
    ("sack race", "hopped"),
    ("sled race", "raced"),
    ("swimming race", "swam"),
)


PRIZES = ("a gold cup", "a big cake", "a silver medal", "a basket of apples", "a blue ribbon")


@plot()
def race(s: Story) -> str:
    name, moved = s.pick(RACES)
    s.roles.update(race=name, moved=moved, prize=s.pick(PRIZES))
    s.say(
        "Every year, there was a {race} in the village. The prize was {prize}.",
        "{day}, there was a big {race}. The winner would get {prize}.",
    )
    s.say(
        "{A} wanted to win. {A.He} had practiced for (weeks|a whole month|many days).",
        "{A} was fast, but {A.his} friend {B.named} was fast too.",
        '"I am going to win," said {A} to {A.his} friend {B.named}.',
    )
    s.say(
        '"(Ready|On your marks), set, go!" They all {moved} as fast as they could.',
        "A bell rang, and the race began. {A} {moved} as fast as {A.he} could.",
    )
    s.say(
        "Soon {A} was in front.",
        "{A} passed one, and then another. Only {B} was still ahead.",
        "{A} and {B} were side by side.",
    )
    s.paragraph()
    s.either(lambda: race_stop(s), lambda: race_lose(s))
    s.maybe(0.4, "{together}", "{snack}", "{evening:A}")
    return name


def race_stop(s: Story) -> None:
    s.say(
        "Then {A} heard a cry behind {A.him}. {B} had (hurt {B.his} leg|bumped into a stone|fallen) and "
            "could not go on.",
        "Suddenly, {B} cried out. {B.He} was hurt.",
    )
    s.say(
        "{A} looked at the finish line. It was so close! Then {A.he} looked back at {B}.",
        "{A} could win now. But {A.he} stopped.",
    )
    s.say(
        '"Come, I will help you," said {A}. They went on slowly, side by side.',
        '{A} turned around and helped {B} up. "We will finish together," {A.he} said.',
    )
    s.say(
        "They were the very last, but everyone (clapped|cheered|stood up and clapped) for them.",
        "Somebody else won {prize}. But the people cheered the most for {A} and {B}.",
    )
    s.say(
        '"You gave up {prize} for me," said {B}. "A friend is better than a prize," said {A}.',
        '"You are a true friend," said {B}.',
        '"I am proud of you," said {G}. "That was better than winning."',
    )


def race_lose(s: Story) -> None:
    s.say(
        "But at the very end, {B} was faster. {B} won the race.",
        "But {A} looked back to see where {B} was, and went the wrong way. {B} won the race.",
    )
    s.say("{sad:A}", "{angry:A}")
    s.say(
        'Then {A} saw how happy {B} was. {breath:A} "Well done, {B}," {A.he} said.',
        '"You can be sad," said {G}, "and still be nice." So {A} went to {B} and said, "You were great!"',
    )
    if s.roles["prize"] in ("a big cake", "a basket of apples"):
        s.say("{B} smiled. \"Come, let us share the prize,\" {B.he} said.")
    else:
        s.say("{B} smiled. \"Next time, you will win,\" {B.he} said. \"Shall we practice together?\"")
    s.say(
        "After that, it did not hurt so much to lose.",
        "{A} learned that a friend can be more fun than a prize.",
        "And {A} felt almost as good as if {A.he} had won.",
    )


@plot(weight=1.2)
def new_friend(s: Story) -> str:
    s.say(
        "{A} had no friends yet, because {A.he} was new in the village.",
        "{A} often played alone. {A.He} wished for a friend.",
        "{A} and {A.his} family had just moved to a new house. {A} did not know anyone.",
        "{A} was shy. {A.He} wanted to play with the others, but {A.he} did not dare to ask.",
    )
    s.maybe(
        0.4,
        "{sad:A}",
        '"You will find a friend soon," said {G}.',
        "At night, {A} talked to the moon, but the moon never answered.",
    )
    s.say("{day}, {A} went {P.to} with {A.his} {O.full}.", "{day}, {A} sat {P.at} with {A.his} {O.full}.")
    s.say(
        "There was someone (under a tree|by the wall|on a big stone). It was a_ {B.kind}, all alone.",
        "A_ {B.kind} was sitting (under a tree|by the wall|on a big stone). {B.He} looked lonely too.",
        "Then a_ {B.kind} walked by and looked at the {O}.",
    )
    s.paragraph()
    s.either(lambda: friend_ask(s), lambda: friend_help(s), lambda: friend_same(s))
    s.maybe(0.4, "{weather}", "They looked at {S}.", "They saw {S}.")
    s.say(
        "{together}",
        "They played with the {O.full} until it was dark.",
        "{A} showed {B} {A.his} house, and {B} showed {A} a secret path.",
    )
    s.say(
        '"Will you come back tomorrow?" asked {B}. "Yes," said {A}. "And the day after that."',
        '"Can we be friends?" asked {A}. "We already are," said {B}.',
        '"See you tomorrow!" said {B}. {happy:A}',
    )
    s.say(
        "{A} was not alone any more.",
        '{A} ran home and told {G}, "I have a friend!"',
        "It only took one small word to make a friend.",
        "{evening:A}",
    )
    return s.roles["O"].noun


def friend_ask(s: Story) -> None:
    s.say(
        '{breath:A} "Hello," {A.he} said. "I am {A}. Do you want to play with my {O}?"',
        '{A} was shy, but {A.he} held out the {O.full}. "Do you want to play?" {A.he} asked.',
    )
    s.say(
        'The {B.kind} smiled. "I am {B}," {B.he} said. "I would love to play."',
        '"Yes, please! My name is {B}," said the {B.kind}.',
    )


def friend_help(s: Story) -> None:
    s.say(
        'Just then, the wind took the {O.full} and blew it up into a tree. "Oh no!" cried {A}.',
        'Then {A} dropped the {O.full}, and it rolled into a hole. "Oh no!" said {A}.',
    )
    s.say(
        '"Wait, I can get it," said the {B.kind}. A moment later, {B.he} was back with the {O}. "I am '
            '{B}," {B.he} said.',
        'The {B.kind} got a long stick and helped to get the {O} back. "My name is {B}," {B.he} said.',
    )
    s.say("\"Thank you, {B}!\" said {A}. \"I am {A}. Let us play together.\"")


def friend_same(s: Story) -> None:
    s.say(
        'And in {B.his} hand, {B.he} had a_ {O} too! "We have the same {O}!" said {A}.',
        'The {B.kind} was singing a song. "I know that song!" said {A}, and they sang it together.',
    )
    s.say(
        'They both began to laugh. "I am {A}," said {A}. "I am {B}," said {B}.',
        '"What is your name?" asked {A}. "{B}," said the {B.kind}. "What is yours?"',
    )


SLEEP_TRICKS = (
    "sang a song about a little boat",
    "told a story about a sleepy bear",
    "opened the window, and they looked at the stars",
    "made a cup of warm milk with honey",
    "put the {O.full} next to {A.him}",
    "sat on the bed and held {A.his} hand",
)


@plot(cast=("child", "child", "animal"))
def cannot_sleep(s: Story) -> str:
    s.say(
        "One night, {A} could not sleep.",
        "It was late, but {A} was still awake.",
        "It was bedtime, but {A} was not tired at all.",
    )
    s.say(
        "The wind was singing outside.",
        "The moon was big and bright.",
        "The house was very quiet.",
        "Rain fell on the roof.",
    )
    s.say(
        "{A} turned to the left, and {A} turned to the right.",
        "{A} counted sheep, but the sheep ran away.",
        "{A} drank a cup of water. Then {A.he} drank another.",
    )
    s.either(lambda: s.say(
        '"What is the matter?" asked {G} at the door. "My head is full of thoughts," said {A}.',
        '{A} went to {G}. "I cannot sleep," {A.he} said.',
    ),
             lambda: s.say(
                 "\"I miss {B},\" {A} told {G}. {B} was {A}'s best friend, and {B.he} was far away.",
                 '"What if I have a bad dream?" {A} asked {G}.',
             ))
    s.paragraph()
    s.roles["trick"] = s.pick(SLEEP_TRICKS)
    s.say("{G} smiled and {trick}.", "So {G} {trick}.", "\"I know what helps,\" said {G}. Then {G} {trick}.")
    s.say(
        '"Think of the best thing that happened today," said {G}. {A} thought of {S}.',
        '"Now tell your feet good night," said {G}. "Then your knees, and then your nose."',
        '"Close your eyes and listen," said {G}. "The whole world is going to sleep."',
        '"What was nice today?" asked {G}. "I played with {B} {P.at}," said {A}.',
    )
    s.say("{A} felt warm and safe.", "{A} yawned.", "{A}'s eyes got heavy.", "{A} put {A.his} head down.")
    s.say(
        "And soon {A} was fast asleep.",
        '"Good night, {A}," said {G}. But {A} was already asleep.',
        "A minute later, {A} was dreaming of a_ {O} as big as a house.",
        "{A} fell asleep and dreamed of {S}.",
    )
    return "sleep"


# What is different, the trouble that B gets into, and what A can do because of it.
DIFFERENCES = (
    (
        "very big ears",
        "{B} fell into a hole deep in the forest, and nobody could find {B.him}",
        "heard a soft cry from far away",
    ),
    (
        "a very loud voice",
        "{B} was in danger on the river, and all the others were far away",
        "called so loudly that everyone heard it",
    ),
    (
        "very long legs",
        "the river rose, and {B} was alone on a little island",
        "walked through the deep water",
    ),
    (
        "a very small body",
        "a stone rolled in front of {B}'s cave, and only a narrow hole was left",
        "crawled into the narrow hole",
    ),
    (
        "a bright red nose",
        "{B} was lost in thick fog",
        "shone like a lamp in the fog",
    ),
    (
        "very big feet",
        "so much snow fell that {B} could not get home",
        "walked over the deep snow and made a path",
    ),
    (
        "a very long tail",
        "{B} fell into the old well",
        "let {A.his} tail down like a rope",
    ),
)


@plot(cast=("animal",), weight=0.6)
def different(s: Story) -> str:
    what, trouble, deed = s.pick(DIFFERENCES)
    s.roles.update(what=what, trouble=trouble, deed=deed)
    s.say(
        "{A} had {what}. The other animals laughed at {A.him}.",
        "{A} was not like the others. {A.He} had {what}.",
    )
    s.say("\"You look funny,\" said {B.named}.", "\"Go away! You are strange,\" said {B.named}.")
    s.say(
        "{sad:A}",
        '"I wish I were like the others," said {A}.',
        '"You are just right," said {G}, but {A} did not believe it.',
    )
    s.paragraph()
    s.say("{day}, {trouble}.", "Then, one day, {trouble}.")
    s.say(
        '"Help!" cried {B}. {A} did not wait. {A.He} {deed}.',
        "Nobody knew what to do. But {A} {deed}.",
        "{idea:A} {A.He} {deed}.",
    )
    s.say("Soon {B} was safe.", "That was how {A} saved {B}.", "In the end, {B} was safe again.")
    s.say(
        '"I am sorry that I laughed," said {B}. "You are wonderful as you are."',
        '"Thank you," said {B}. "Please forgive me. I was not nice to you."',
    )
    s.say("{proud:A}", "{happy:A}", "After that, nobody laughed at {A} again.")
    s.say("Now {A} was glad to have {what}.", "{together}", "\"It is good to be different,\" said {A}.")
    return what


@plot()
def quarrel(s: Story) -> str:
    s.roles["game"] = s.pick(("hide and seek", "pirates", "tag", "school", "shop", "explorers"))
    s.say(
        "{A} and {friend} did everything together. But {day_low} they had a fight.",
        "{day}, {A} and {friend} played {game} {P.at}.",
    )
    s.say(
        '"You (always win|never listen|are not fair)!" said {A}. "And you (are too slow|never let me '
            'choose|are no fun)!" said {B}.',
        "{A} wanted to play {game}. {B} wanted to (sing|draw|climb trees). Both of them shouted.",
        "{B} stepped on {A}'s {O.full} and did not say sorry.",
    )
    s.say(
        "{angry:A}",
        '"I do not want to play with you any more," said {A}.',
        '"I am going home," said {B}, and left.',
    )
    s.paragraph()
    s.say(
        "At home, {A} sat by the window. {A.He} missed {B} already.",
        "The next day, {A} played alone. It was boring.",
        '{A} told {G} what had happened. "Do you miss {B.him}?" asked {G}. {A} nodded.',
    )
    s.maybe(
        0.5,
        '"Somebody has to be first to say sorry," said {G}.',
        "{A} thought about the words. They were not nice words.",
        "{A} looked at {A.his} {O}, but {A.he} did not want to play with it alone.",
    )
    s.say(
        "So {A} (drew a picture|picked some flowers|baked a cookie) for {B} and went to {B.his} house.",
        "So {A} went to find {B}. {B} was sitting (by the window|on the steps|under a tree).",
    )
    s.say(
        '"I am sorry," they both said at the same time.',
        '"I am sorry that I shouted," said {A}. "I am sorry too," said {B}.',
        '"Can we be friends again?" asked {A}. "Yes," said {B}. "I missed you."',
    )
    s.say(
        "Then they laughed. {together}",
        "They hugged, and everything was good again.",
        "This time, they played {game} first, and then they sang.",
        "Friends can fight, but friends can also make up.",
    )
    return s.roles["game"]
