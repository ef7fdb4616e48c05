"""Phrases that any plot may use. `X` is the character they are told about.

Each entry is a whole sentence (or two), except those in the last part.
"""

PHRASES: dict[str, list[str]] = {
    "happy": [
        "{X} was (very |so |)happy.",
        "{X} smiled (from ear to ear|a big smile|and clapped).",
        "{X} laughed (out loud|with joy|and danced in a circle).",
        "{X} jumped up and down with joy.",
        "{X}'s heart felt (light|warm).",
        "{X} could not stop smiling.",
        "It made {X} feel (warm inside|very happy|full of joy).",
    ],
    "sad": [
        "{X} was (very |so |)sad.",
        "{X} began to cry.",
        "A (big |)tear ran down {X}'s (cheek|nose).",
        "{X} hung {X.his} head.",
        "{X} did not want to (eat|play|talk).",
        "{X}'s heart felt (heavy|very small).",
        "{X} sat down and sighed.",
        "{X} wanted to cry, but {X.he} did not.",
    ],
    "scared": [
        "{X} was (very |so |)scared.",
        "{X}'s (legs|knees) began to shake.",
        "{X} held {X.his} breath.",
        "{X}'s heart beat (fast|like a drum).",
        "{X} closed {X.his} eyes tight.",
        "{X} wanted to run away.",
        "{X} felt cold all over.",
    ],
    "proud": [
        "{X} was (very |so |)proud.",
        "{X} felt (proud|ten feet tall|very big and strong).",
        "{X} stood up (straight|tall) and smiled.",
        "{X} had never been so proud.",
        "{X} told everyone about it.",
    ],
    "angry": [
        "{X} was (very |)angry.",
        "{X} stamped {X.his} foot.",
        "{X}'s face turned red.",
        "{X} turned away and would not (talk|look).",
        "{X} felt hot with anger.",
    ],
    "worried": [
        "{X} was worried.",
        "{X} felt sick with worry.",
        "{X} did not know what to do.",
        "{X} (bit {X.his} lip|looked around|walked up and down).",
        "{X} had a bad feeling in {X.his} tummy.",
    ],
    "surprised": [
        "{X} was (very |so |)surprised.",
        "{X} could not believe {X.his} eyes.",
        "{X}'s eyes grew (big|wide|round).",
        '"Oh!" said {X}.',
        '"Oh my!" cried {X}.',
        "{X} opened {X.his} mouth, but no words came out.",
    ],
    "tired": [
        "{X} was tired (but happy|now).",
        "{X} yawned.",
        "{X}'s (legs|feet) were tired.",
        "{X} had to sit down for a (while|moment).",
    ],
    "idea": [
        "Then {X} had an idea.",
        "Suddenly {X} had (a good|a clever|an) idea.",
        "{X} thought (hard|for a while). Then {X.he} smiled.",
        '"I have an idea!" said {X}.',
        '"I know what to do!" cried {X}.',
    ],
    "breath": [
        "{X} took a deep breath.",
        "{X} counted to three.",
        "{X} (swallowed|closed {X.his} eyes for a moment).",
    ],
    "thanks": [
        '"Thank you, (thank you|{X})!"',
        '"Thank you so much!"',
        '"You are (so|very) kind, {X}!"',
        '"You are the best, {X}!"',
    ],
    "evening": [
        "That (night|evening), {X} (went to bed with a smile|fell asleep at once|slept very well).",
        "When the (sun went down|stars came out), {X} went home (happy|with a smile|tired but happy).",
        "That night, {X} dreamed of (the day|it all|wonderful things).",
        'In bed that night, {X} thought, "What a (good|wonderful|great) day!"',
        "And when the moon came up, {X} was already asleep.",
    ],
    "together": [
        "They (played|laughed|sang) together until the sun went down.",
        "They played (all day|all afternoon|until dinner).",
        "They laughed (and laughed|together|all the way home).",
        "From that day on, they were (best|good) friends.",
        "They had (so much|a lot of) fun.",
        "They walked home hand in hand.",
    ],
    "snack": [
        "Then they ate (bread and honey|warm soup|apple pie|cookies|sweet berries) together.",
        "After that, they shared (a pie|a cake|some cookies|a big apple|a bowl of berries).",
        "Then it was time for (warm milk|hot cocoa|cookies|pancakes|cake).",
    ],
    "sight": [
        "On the way, {A} saw {S}.",
        "There {A} saw {S}.",
        "{A} stopped to look at {S}.",
        '"Look!" said {A}. {A.He} had seen {S}.',
    ],
    "weather": [
        "{W.line}",
    ],
    "day": [
        "One day",
        "One {W} (morning|day|afternoon)",
        "One {W} (morning|day|afternoon)",
        "On a_ {W} (morning|day|afternoon)",
        "One (Monday|Saturday|Sunday) (morning|afternoon)",
    ],
    "friend": [
        "{A.his} friend {B.named}",
        "{A.his} (best|good|old) friend {B.named}",
    ],
}
