"""Plots about a thing: lost and found, shared, broken, given, built."""

from __future__ import annotations

from grammar.engine import Story
from grammar.registry import plot
from grammar.world import make_helper, make_thing


def owns(s: Story) -> None:
    """A has O, and it matters."""
    s.say(
        "{A} had {O.a}. {G} had (given it to|made it for) {A.him}.",
        "{A}'s favorite thing was {O.a}. {A.He} took it everywhere.",
        "{A} loved {A.his} {O.full}. (It was the best {O} in the world|It was a gift from {G}|{A.He} "
            "even slept next to it).",
        "{A.His} most special thing was {O.a}.",
        "For {A.his} birthday, {A} got {O.a} from {G}.",
        "{G} gave {A} {O.a}. {A} (loved it at once|took it everywhere|said it was the best {O} ever).",
    )


@plot()
def lost_and_found(s: Story) -> str:
    owns(s)
    s.paragraph()
    s.say(
        "{day}, {A} took the {O} {P.to}.",
        "{day}, {A} went {P.to} with {A.his} {O}.",
        "{day}, {A} and {friend} went {P.to}. {A} (took|carried) the {O} along.",
    )
    s.maybe(0.4, "{weather}", "{sight}")
    s.say(
        "{A} (played|ran|danced) (for a long time|all morning|until lunch). Then {A.he} looked down. "
            "The {O.full} was gone!",
        "But when it was time to go home, {A} could not find the {O}.",
        "{A} put the {O} down to (look at {S}|tie a shoe|pick a flower|chase a butterfly). When {A.he} "
            "came back, it was not there.",
        "Then {A} saw that {A.his} hands were empty. Where was the {O.full}?",
    )
    s.either(
        lambda: s.say("{sad:A}"), lambda: s.say("{worried:A}"),
        lambda: s.say("\"Oh no! (Where is my {O}|I lost my {O}|My {O} is gone)!\" (cried|said) {A}."),
    )
    s.paragraph()
    s.either(lambda: search_with_friend(s), lambda: search_with_helper(s), lambda: search_alone(s))
    s.say(
        "{happy:A} {A.He} held the {O} tight.",
        "{A} (hugged|picked up) the {O.full} and (laughed|smiled|danced).",
        "\"(There you are|I found you|My {O})!\" {A} (cried|said|called). {happy:A}",
    )
    s.say(
        "From then on, {A} always took (good|better) care of {A.his} {O}.",
        "After that day, {A} never left the {O} alone again.",
        "\"I will (be more careful|always look after you|never lose you again),\" said {A} to the {O}.",
        "{evening:A} The {O.full} was (next to {A.him}|right beside {A.him}).",
    )
    return s.roles["O"].noun


def search_with_friend(s: Story) -> None:
    s.say(
        '{B} came (over|to help). "(Do not cry|Do not worry|Cheer up). (I will help you|We will find '
            'it|Let us look together)," {B.he} said.',
        '"What is wrong?" asked {B}. {A} told {B} about the {O}. "Let us look for it together," said {B}.',
    )
    search(s, "They")
    s.say(
        "Then {B} (pointed|called out). \"Look {found}!\" There was the {O.full}.",
        "At last, {B} found the {O.full}. It was {found}.",
        "Just then, {B} saw something {O.colour} {found}. It was the {O}!",
    )
    s.maybe(
        0.5,
        '"{A} and {B} make a good team," said {G}.',
        '"Thank you for your help, {B}," said {A}.',
        "{A} gave {B} a big hug.",
    )


def search_with_helper(s: Story) -> None:
    s.roles["H"] = make_helper(s.rng)
    s.say(
        "{H.first} came by. \"Why are you so sad?\" {H.he} asked. {A} told {H.him} about the {O.full}.",
        "{A} met {H.first}. \"Have you seen {O.a}?\" {A} asked.",
    )
    s.say(
        '"Think (hard|back)," said {H}. "Where did you (see|have) it last?" {A} thought and thought. '
            "Then {A.he} ran to look {found}.",
        '"Hmm," said {H}. "I saw something {O.colour} {found}." {A} ran there as fast as {A.he} could.',
        '"I think I can help," said {H}. "Look {found}."',
    )
    s.say("And there was the {O}!", "There it was, the {O.full}!", "The {O} was really there!")
    s.maybe(
        0.5,
        '"Thank you!" {A} (said|called) to {H}.',
        "{A} thanked {H} (three times|with a hug|with a flower).",
    )


def search_alone(s: Story) -> None:
    search(s, "{A}")
    s.say(
        "{A} did not give up. {A.He} looked {found}, and there was the {O.full}!",
        'Then {A} stopped and thought. "I sat down for a moment {found}," {A.he} said. {A.He} went '
            "back, and there was the {O}!",
        "Then {A.he} heard a soft sound {found}. A little (bird|mouse|cat|squirrel) was sitting on the "
            "{O.full}!",
    )


def search(s: Story, who: str) -> None:
    s.roles["who"] = who
    s.say(
        "{who} looked {miss}, but the {O} was not there.",
        "{who} looked {miss}. (No {O}|It was not there|Nothing was there). {who} looked {miss2}. (No "
            "{O} there|Nothing there) either.",
        "{who} looked {miss} and {miss2}, but found only (leaves|dust|an old shoe|a sleepy beetle).",
    )


@plot()
def sharing(s: Story) -> str:
    s.say(
        "{day}, {A} and {friend} (were|went to play) {P.at}. They found {O.a} {found}.",
        "{day}, {A} played {P.at} with {friend}. {G} gave them {O.a}, but there was only one.",
        "{day}, {A} brought {O.a} {P.to}. {A.His} friend {B.named} wanted to play with it too.",
    )
    s.say(
        '"(It is mine|I want it|I had it first)!" said {A}. "No, (it is mine|I want it|I had it '
            'first)!" said {B}.',
        '"Give it to me!" said {B}. "No!" said {A}, and held the {O} tight.',
        "{A} pulled at the {O}. {B} pulled too. Nobody wanted to let go.",
        '"Can I have a turn?" asked {B}. "No," said {A}. "This {O} is only for me."',
    )
    s.maybe(0.6, "{angry:A}", "{angry:B}", "{sad:B}")
    s.paragraph()
    s.either(lambda: share_by_thought(s), lambda: share_by_advice(s), lambda: share_by_accident(s))
    s.say(
        "So first {A} had the {O}, and then {B} had it. {together}",
        "They took turns with the {O.full}. {together}",
        "They (made up|found) a new game with the {O} that needed two. {together}",
        "{A} had a turn, and {B} had a turn. {together}",
    )
    s.maybe(0.3, "{snack}")
    s.say(
        "{A} learned that a_ {O} is more fun with a friend.",
        "\"Sharing is (better than|more fun than) having it all alone,\" said {A}.",
        "{A} and {B} never fought about the {O} again.",
        "Now {A} knew that sharing made both of them happy.",
    )
    return s.roles["O"].noun


def share_by_thought(s: Story) -> None:
    s.say(
        "{A} sat alone with the {O}. But it was no fun to play alone.",
        "{A} played alone for a while. {A.He} looked at {B}, who sat (under a tree|on a stone|by the "
            "fence) and looked sad.",
        "{B} walked away. Now {A} had the {O}, but {A.he} had no friend.",
    )
    s.say(
        "\"I am sorry,\" said {A}. \"(Let us share|You can have a turn|Come and play with me).\"",
        "{A} went to {B} and held out the {O}. \"You can have the first turn,\" {A.he} said.",
    )


def share_by_advice(s: Story) -> None:
    s.say(
        '{G} heard the noise and came over. "If you pull, the {O} will break," {G} said. "What can you '
            'do so that both of you are happy?"',
        '"Stop!" said {G}. "A_ {O} cannot be happy when friends are angry. Why not take turns?"',
        'Then {G} came. "You can count to (ten|twenty|one hundred)," said {G}. "Then it is time to change."',
    )
    s.say("{A} looked at {B}. {B} looked at {A}. They both (smiled|nodded).", "{idea:A} \"We can share!\"",
          "\"That is fair,\" said {A}. \"That is fair,\" said {B} too.")


def share_by_accident(s: Story) -> None:
    s.say(
        "Then, splash! The {O} fell into a puddle of mud.",
        "Bump! They both fell down, and the {O} rolled away.",
        "Just then a (big|playful) dog ran up, took the {O} and ran away with it!",
    )
    s.say(
        "{A} and {B} had to work together to get it back. Soon they were laughing.",
        "{A} looked at {B}, and {B} looked at {A}. They began to laugh. Together they went to get the {O}.",
    )
    s.say(
        '"I am sorry," said {A}. "Me too," said {B}.',
        '"Let us share it," said {B}. "Yes, let us share," said {A}.',
    )


BREAKABLE = ("vase", "cup", "bowl", "window", "plate", "lamp", "flower pot", "clock")


@plot()
def mistake(s: Story) -> str:
    s.roles["T"] = s.pick(BREAKABLE)
    s.roles["Tc"] = s.pick(("favorite", "best", "old", "beautiful", "blue", "big"))
    s.say(
        "{day}, {A} was playing with {A.his} {O.full} in the (kitchen|living room|hall).",
        "{day}, {A} ran (through the house|up and down the hall|around the table) with {A.his} {O.full}.",
        '{G} always said, "Do not (run|play|jump) (in the house|near the {T})." But {day_low} {A} did '
            "it anyway. {A.He} had {O.a} in {A.his} hand.",
    )
    s.say(
        "The {O} (hit|flew against|bumped into) {G}'s {Tc} {T}. Crash! The {T} broke.",
        "{A} (slipped|did not look), and the {O} flew through the air. Crash! It hit {G}'s {Tc} {T}, "
            "and the {T} broke.",
        "{A.He} turned around too fast. Bang! {G}'s {Tc} {T} fell down and broke into (pieces|many pieces).",
    )
    s.say("{scared:A}", "{worried:A}", "\"Oh no!\" said {A}. \"What have I done?\"")
    s.paragraph()
    s.either(lambda: hide_it(s), lambda: tell_at_once(s), lambda: blame(s))
    s.say(
        '{G} was not angry. "Thank you for telling (me|me the truth)," {G} said. "That was (brave|very '
            'brave|honest)."',
        '{G} was quiet for a moment. Then {G} hugged {A}. "A {T} is only a {T}," {G} said. "But the '
            'truth is important."',
        '"I am a little sad about the {T}," said {G}, "but I am (glad|happy|proud) that you told me the '
            'truth."',
    )
    s.say(
        "Together they (swept up the pieces|cleaned the floor|picked up every piece).",
        "{A} helped {G} to (fix the {T} with glue|clean up|find a new {T}).",
        "The next day, {A} made a (new|small) {T} out of (paper|clay|wood) for {G}. {G} loved it.",
        "{A} got the broom, and they cleaned up together.",
    )
    s.say(
        "After that, {A} only played with the {O} outside.",
        "{A} felt (light|much better). It is always good to tell the truth.",
        "{A} was glad that {A.he} had told the truth.",
        "From then on, {A} was more careful, and {A.he} always told the truth.",
    )
    return s.roles["T"]


def hide_it(s: Story) -> None:
    s.say(
        "{A} hid the pieces (under the bed|under the rug|behind the sofa|in a box). But {A.he} felt "
            "bad. At dinner, {A.he} could not eat.",
        "Quickly, {A} put the pieces (in a bag|under a blanket|behind the curtain). All day, {A.his} "
            "tummy hurt.",
    )
    s.say(
        '"What is wrong, {A}?" asked {G}.',
        '"You are so quiet today," said {G}.',
        '{G} looked at {A}. "Do you want to tell me something?"',
    )
    s.say("{A} began to cry. \"I broke your {T},\" {A.he} said. \"I am (so|very) sorry.\"",
          "{breath:A} \"It was me. I broke the {T}, and I hid it. I am sorry,\" {A.he} said.")


def tell_at_once(s: Story) -> None:
    s.say(
        "{A} wanted to hide. But {A.he} knew what was right.",
        "{A} could run away, or {A.he} could tell the truth.",
        "For a moment, {A} wanted to say that the (wind|cat|dog) did it.",
    )
    s.say("{A.He} went to {G}. \"I broke your {T},\" {A.he} said. \"I am (so|very) sorry.\"",
          "{breath:A} Then {A.he} found {G} and said, \"I am sorry. I broke the {T} with my {O}.\"")


def blame(s: Story) -> None:
    s.say(
        'When {G} came home, {A} said, "The (cat|dog) broke the {T}!" So the (poor cat|poor dog|poor '
            "animal) had to go outside.",
        "\"Who broke the {T}?\" asked {G}. \"{B} did it,\" said {A}. {B} was {A}'s best friend, and "
            "{B.he} was not even there.",
    )
    s.say(
        'That night, {A} could not sleep. It was not fair. {A.He} went to {G} and said, "I lied. I '
            'broke the {T}. I am sorry."',
        'But {A} felt worse and worse. "I did not tell the truth," {A.he} said at last. "I broke it. I '
            'am sorry."',
    )


GIFT_MAKING = (
    ("a cake", "with flour, eggs and sugar", "The kitchen was white with flour"),
    ("a crown", "out of gold paper", "There was paper everywhere"),
    ("a picture", "with bright paint", "There was paint on the floor"),
    ("a necklace", "out of small shells", "There were shells everywhere"),
    ("a scarf", "out of soft wool", "There was wool everywhere"),
    ("a wooden bird", "out of old wood", "There was sawdust everywhere"),
    ("a card", "with stars and hearts on it", "There was glue on the table"),
)


@plot()
def birthday_surprise(s: Story) -> str:
    gift, how, mess = s.pick(GIFT_MAKING)
    s.roles.update(gift=gift, the_gift="the " + gift.split(" ", 1)[1], how=how, mess=mess)
    s.say(
        "Tomorrow was {B.plain}'s birthday. {B.named} was {A}'s (best|good) friend.",
        "It was almost time for {B.plain}'s birthday. {B.named} was {A}'s (best|oldest|good) friend.",
    )
    s.say("{A} wanted to give {B} something special, but {A.he} had no money.",
          "\"What can I give {B.him}?\" {A} asked {G}. \"The best gifts are made by hand,\" said {G}.",
          "{A} wanted to make a surprise for {B}.")
    s.say("{idea:A} {A.He} would make {gift}!", "So {A} decided to make {gift} {how}.")
    s.say(
        "All (morning|afternoon|day), {A} worked. {mess}.",
        "{A} worked hard, and {G} helped a little. {mess}.",
        "First it went wrong, and {A} had to start again. {mess}. But at last, {the_gift} was ready.",
    )
    s.paragraph()
    if s.rng.random() < 0.4:
        thinks_forgotten(s)
    else:
        s.either(lambda: nearly_found_out(s), lambda: None)
        s.say(
            'On the birthday, {A} gave {B} {the_gift}. "I made it {how}," {A.he} said.',
            'The next day, there were balloons and songs. {A} held out {the_gift}. "Happy birthday, {B}!"',
            "The next morning, {A} knocked at {B}'s door. \"Happy birthday!\" {A.he} said, and gave {B} "
                "{the_gift}.",
        )
    s.say("{surprised:B}", "{happy:B}")
    s.say(
        '"This is the best (gift|birthday|surprise) ever!" said {B}.',
        '"You made it for me? It is beautiful!" said {B}.',
        (
            '"Thank you, {A}! I will keep it forever," said {B}.'
            if gift != "a cake"
            else '"Thank you, {A}! Let us eat it together," said {B}.'
        ),
    )
    s.maybe(0.5, "{happy:A}", "{proud:A}", "{snack}")
    s.say("{together}", "{A} learned that giving can be (even better|more fun) than getting.", "{evening:A}",
          "It was the best birthday of the year.")
    return gift


def nearly_found_out(s: Story) -> None:
    s.say(
        "Suddenly, there was a knock at the door. It was {B}! {A} quickly hid {the_gift} under (the "
            "table|the bed|a blanket|a big hat).",
        '"What are you doing?" asked {B} through the window. {A} hid {the_gift} behind {A.his} back.',
    )
    s.say(
        '"Why is there something on your nose?" asked {B}. "Oh, nothing," said {A}, and tried not to laugh.',
        '"You look funny today," said {B}. {A} only smiled.',
        '"It is a secret," said {A}.',
    )


def thinks_forgotten(s: Story) -> None:
    s.say(
        'On the morning of the birthday, nobody said a word to {B}. "They all forgot my birthday," '
            "{B.he} thought. {sad:B}",
        "On the birthday, {B} waited all morning, but nobody came. {sad:B}",
    )
    s.say("But then {A} took {B} by the hand. \"Come with me,\" {A.he} said, and led {B.him} {P.to}.",
          "Then {B} went {P.to}, all alone. Or so {B.he} thought.")
    s.say(
        'There, all the friends jumped out and (called|cried|shouted), "Surprise!" {A} gave {B} {the_gift}.',
        '"Surprise!" (called|cried|shouted) a (dozen|lot of) happy voices. There were balloons '
            "everywhere. {A} gave {B} {the_gift}.",
    )


BUILDS = (
    (
        "a tree house", "tree house", "old boards and rope", "a board broke, and the roof came down",
        "use stronger boards", "sat high up and looked at the whole village",
    ),
    (
        "a raft", "raft", "logs and rope", "the rope came loose, and the logs floated away",
        "tie better knots", "floated on the water like sailors",
    ),
    (
        "a sandcastle", "sandcastle", "wet sand and shells", "a wave came and washed it away",
        "build it farther from the water", "put a little flag on the highest tower",
    ),
    (
        "a kite", "kite", "paper and thin sticks", "it fell down and tore", "give it a long tail",
        "watched it fly up to the clouds",
    ),
    (
        "a birdhouse", "birdhouse", "small boards and nails", "it was crooked and fell apart",
        "measure every board", "watched two little birds move in",
    ),
    (
        "a snow fort", "snow fort", "snow and ice", "the wall fell down", "make the bottom wider",
        "threw snowballs and laughed",
    ),
    (
        "a bridge", "bridge", "flat stones and branches", "it fell into the stream",
        "put the biggest stones at the bottom", "walked over the stream with dry feet",
    ),
    (
        "a wagon", "wagon", "a box and four old wheels", "a wheel came off and rolled away",
        "put the wheels on with strong pins", "rode down the hill and cheered",
    ),
)


@plot()
def building(s: Story) -> str:
    a_build, build, parts, failure, fix, use = s.pick(BUILDS)
    s.roles.update(a_build=a_build, build=build, parts=parts, failure=failure, fix=fix, use=use)
    when = "One cold winter morning" if build == "snow fort" else "{day}"
    s.say(
        f"{when}, {{A}} and {{friend}} wanted to build {{a_build}}.",
        f"{when}, {{A}} said to {{friend}}, \"Let us build {{a_build}}!\"",
        f"{when}, {{A}} had a big plan. {{A.He}} wanted to build {{a_build}}. "
        "{A.His} friend {B.named} wanted to help.",
    )
    s.say(
        "They (found|got|looked for) {parts} and began to work.",
        "They (carried|brought) {parts} and started at once.",
        '"We need {parts}," said {B}. Soon they had everything.',
    )
    s.maybe(
        0.4,
        "They worked (all morning|for hours|until their hands were dirty).",
        "{A} did the hard work, and {B} sang a song.",
    )
    s.say(
        "But then {failure}.",
        "It looked (fine|good) at first. But then {failure}.",
        '"Done!" said {A}. But just then {failure}.',
    )
    s.say(
        "{sad:A}",
        "{angry:A}",
        '"It is no use," said {A}. "We cannot do it."',
        '"Oh no!" cried {B}. "All our work!"',
    )
    s.paragraph()
    s.either(
        lambda: s.say(
            '"Do not give up," said {B}. "Next time, we must {fix}."',
            '{idea:B} "We have to {fix}!"',
        ),
        lambda: s.say(
            '{G} came to look. "What did you learn?" asked {G}. {A} thought about it. "We have to '
                '{fix}," {A.he} said.',
            '{G} looked at it and said, "Everyone makes mistakes. Maybe you should {fix}."',
        ),
        lambda: s.say(
            '{A} looked at it for a long time. "I see what went wrong," {A.he} said. "We must {fix}."',
        ),
    )
    s.say("So they started again. This time, they worked (slowly|slowly and carefully|more carefully).",
          "They tried again. It took (a long time|all afternoon), but they did not stop.",
          "They did just that, step by step.")
    s.say(
        "And this time, the {build} was (strong|perfect|just right).",
        "At last, the {build} was ready, and it was (wonderful|strong|beautiful).",
    )
    s.say("{A} and {B} {use}.", "{proud:A} {A} and {B} {use}.", "\"We did it!\" cried {B}. They {use}.")
    s.say(
        '"Trying again was a good idea," said {A}.',
        "They learned that a mistake is only a step on the way.",
        "{evening:A}",
        "{together}",
        '"What shall we build tomorrow?" asked {B}.',
    )
    return build


@plot()
def found_thing(s: Story) -> str:
    s.say("{day}, {A} was {P.at}. {found}, {A.he} found {O.a}.",
          "{day}, {A} went {P.to}. Something {O.colour} was lying {found}. It was a_ {O}!",
          "{day}, {A} walked {P.to} and saw {S}. Then {A.he} saw {O.a} {found}.")
    s.say(
        "It was the most beautiful {O} that {A} had ever seen.",
        '"What a (nice|pretty|lovely) {O}!" said {A}. {A.He} wanted to keep it.',
        "Nobody was there. {A} picked up the {O} and put it (under {A.his} arm|on {A.his} back|in a bag).",
    )
    s.paragraph()
    s.say(
        "On the way home, {A} met {B.title}. {B.He} was crying.",
        "Then {A} heard someone cry. It was {B.title}, who sat alone (under a tree|on a bench|by the road).",
    )
    s.say(
        '"What is wrong?" asked {A}. "I lost my {O}," said {B}. "(It was|My grandma made it for me. It '
            'was) {O.colour}."',
        '"Why are you sad?" asked {A}. "I cannot find my {O.full}," said {B}. "I looked everywhere."',
    )
    s.say("{A} (looked at|held) the {O}. {A.He} wanted to keep it very much. But it was not {A.his} {O}.",
          "{A} was quiet. The {O} was so nice. But {A} knew what was right.",
          "For a moment, {A} said nothing. Then {A.he} made up {A.his} mind.")
    s.say(
        '"Here," said {A}. "I found your {O} {P.at}."',
        '"I think this is your {O}," said {A}, and gave it back.',
    )
    s.say("{happy:B}", "{surprised:B}")
    s.say(
        '"Thank you! You are very honest," said {B}. "Do you want to play with me?"',
        '"Thank you, thank you!" said {B}. "Let us play with it together!"',
    )
    s.say(
        "So {A} lost a_ {O}, but {A.he} found a friend.",
        "{together}",
        "{A} felt much better than with a_ {O} that was not {A.his} own.",
        "{evening:A}",
    )
    return s.roles["O"].noun


@plot()
def trade_up(s: Story) -> str:
    """A gives O away to someone who needs it, and another thing comes back."""
    s.roles["H"] = make_helper(s.rng)
    s.roles["N"] = make_thing(s.rng, avoid=s.roles["O"].noun)
    owns(s)
    s.say("{day}, {A} walked {P.to} with the {O}.", "{day}, {A} took the {O} {P.to}.")
    s.say(
        'There {A.he} met {H.first}, who looked very sad. "What is wrong?" asked {A}.',
        '{H.first} was sitting (on a bench|by the road|under a tree). "Can I help you?" asked {A}.',
    )
    s.say(
        '"My little (sister|brother|cousin) is sick," said {H}, "and I have nothing to give."',
        "\"I have no gift for my sister's birthday,\" said {H}.",
        '"I used to have a_ {O} like yours," said {H}, "but it was lost in a storm."',
    )
    s.paragraph()
    s.say(
        '{A} looked at {A.his} {O.full}. It was hard, but {A.he} held it out. "Please take this," '
            "{A.he} said.",
        '{A} loved the {O}, but {A.he} wanted to help. "You can have my {O}," {A.he} said.',
    )
    s.say(
        '{H} smiled (for the first time|with wet eyes). "You have a kind heart," {H.he} said.',
        '"You would do that for me?" asked {H}. {A} nodded.',
    )
    s.say(
        "The next day, there was a box in front of {A}'s door. In it was {N.a}, and a note that said, "
            '"For a kind {A.kind}."',
        "A week later, {H} came to {A}'s house. \"This is for you,\" {H.he} said, and gave {A.him} {N.a}.",
    )
    s.say("{surprised:A}", "{happy:A}")
    s.say(
        "{A} loved the {N}, because it came from a friend.",
        '"Kindness always comes back," said {G}.',
        "And every time {A} looked at the {N}, {A.he} thought of {H}.",
    )
    return s.roles["O"].noun
