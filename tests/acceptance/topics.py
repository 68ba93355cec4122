"""What is labeled in these tests: short texts about three topics, made up here."""

from __future__ import annotations

import random
from dataclasses import dataclass

TOPICS = ("sports", "cooking", "finance")

_WORDS = {
    "sports": "goal coach league striker referee sprint medal race trophy penalty",
    "cooking": "oven butter garlic simmer dough flour onion sauce roast whisk",
    "finance": "shares bank bond dividend loan equity budget investor profit tax",
}
_FILLER = "the a very and with for then after before today about near some quite"


@dataclass(frozen=True, slots=True)
class LabeledText:
    """A text, and the label a person gives it."""

    text: str
    label: str


def make_texts(count: int, *, noise_words: int = 0) -> list[LabeledText]:
    """Return different texts, the topics in turn; the same ones at every call.

    Parameters
    ----------
    noise_words
        Words that occur nowhere else, in each text: with many, training takes its time.
    """
    made = []
    for number in range(count):
        dice, topic = random.Random(number), TOPICS[number % len(TOPICS)]
        words = dice.choices(_WORDS[topic].split(), k=dice.randint(5, 9)) + dice.choices(
            _FILLER.split(), k=6
        )
        words += [f"{dice.getrandbits(40):x}" for _ in range(noise_words)]
        dice.shuffle(words)
        made.append(LabeledText(f"{' '.join(words)} ({number})", topic))
    return made
