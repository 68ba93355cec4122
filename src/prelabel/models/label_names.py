"""Suggestions before the first model version: the words of the labels themselves."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TypeAlias

from prelabel.models.characters import UNSPACED_RANGES
from prelabel.models.ngrams import MAX_TEXT_CHARACTERS, undot

# Scripts in which runs of \w are not words: no spaces, or vowel signs that \w does not match.
_UNSPACED = "".join(
    f"{chr(first)}-{chr(last)}"
    for first, last in (
        (0x0900, 0x0DFF),  # scripts of India and Sri Lanka
        (0x1000, 0x109F),  # Burmese
        *UNSPACED_RANGES,
    )
)
_WORD = re.compile(rf"(?:(?![{_UNSPACED}])[^\W\d_])+")
_PHRASE = re.compile(rf"[{_UNSPACED}]+")

_EMPTY_WORDS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "is", "it", "no", "non",
    "none", "not", "of", "on", "or", "other", "others", "the", "this", "to", "with", "without",
})  # fmt: skip
"""Words of label names that say nothing about a text: it is no "Not spam" for having a "not"."""

_EMPTY_IDEOGRAPHS = frozenset("一上下与與中之了于於他其及否和在它对對或是有未没沒無无的这這非不")
"""The same of one character: they stand in texts of any meaning."""

_FEWEST_LETTERS = 4
_LONGEST_ENDING = 3
_NEVER = r"(?!)"  # matches nothing, where an empty pattern would match everywhere
_NOBODY: frozenset[int] = frozenset()

_Owners: TypeAlias = defaultdict[str, set[int]]


class LabelNames:
    """Evidence for a label in a text: words of the label's own names.

    A word counts if the names of exactly one label have it. Endings may differ: of two words where
    one begins with the other, four letters must agree and three may follow ("sport", "sports";
    "cook", "cooking"). In scripts without spaces, a name counts wherever it occurs, even one of a
    single ideograph, as "猫", that is no function word, as "不".

    >>> names = LabelNames({"Sports": ["Sports", "football"], "World": ["World", "politics"]})
    >>> names.suggest("Two cooks watched football")
    ('Sports', 0.75)
    >>> names.suggest("Nothing to see") is None
    True

    Parameters
    ----------
    names
        What each label is called: its value, alias, hint.
    """

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self.classes_ = tuple(sorted(names))
        self._words: _Owners = defaultdict(set)
        self._beginnings: _Owners = defaultdict(set)
        self._phrases: _Owners = defaultdict(set)
        for column, label in enumerate(self.classes_):
            folded = undot("\n".join(names[label])).casefold()
            for word in _WORD.findall(folded):
                if len(word) > 1 and word not in _EMPTY_WORDS:
                    self._words[word].add(column)
                    for beginning in _beginnings(word):
                        self._beginnings[beginning].add(column)
            for phrase in _PHRASE.findall(folded):
                if len(phrase) > 1 or is_word(phrase):
                    self._phrases[phrase].add(column)
        # Most words of a text are akin to no name: their first letters tell.
        self._heads = {word[:_FEWEST_LETTERS] for word in self._words}
        # The longest first: a text about "体育新闻" does not speak of the shorter name "体育".
        longest_first = sorted(self._phrases, key=len, reverse=True)
        self._phrase = re.compile("|".join(longest_first) or _NEVER)

    def suggest(self, text: str) -> tuple[str, float] | None:
        """Suggest the label with the most evidence, and its probability.

        None if there is no evidence, or as much for another label.
        """
        evidence = self._evidence(text)
        most = evidence.most_common(2)
        counts = [count for _, count in most]
        if counts[1:] == counts[:1]:  # none, or a tie
            return None
        column, count = most[0]
        # The mean of a Dirichlet distribution, whose prior weighs as much as one word.
        return self.classes_[column], (count + 1 / len(self.classes_)) / (evidence.total() + 1)

    def _evidence(self, text: str) -> Counter[int]:
        """How many words of a text speak for each label, by column; only those that have any."""
        folded = undot(text[:MAX_TEXT_CHARACTERS]).casefold()
        words = (word for word in _WORD.findall(folded) if word[:_FEWEST_LETTERS] in self._heads)
        owners = [self._owners(word) for word in words]
        owners += [self._phrases[phrase] for phrase in self._phrase.findall(folded)]
        return Counter(column for columns in owners if len(columns) == 1 for column in columns)

    def _owners(self, word: str) -> Set[int]:
        """Columns of the labels whose names have the word, else a word akin to it."""
        if word in self._words:
            return self._words[word]
        owners = self._beginnings.get(word, _NOBODY)
        for beginning in _beginnings(word):
            owners = owners | self._words.get(beginning, _NOBODY)
        return owners


def is_word(character: str) -> bool:
    """Whether one character is a word that may name something: no kana, no function word."""
    is_ideograph = unicodedata.name(character, "").startswith("CJK ")
    return is_ideograph and character not in _EMPTY_IDEOGRAPHS


def _beginnings(word: str) -> Iterator[str]:
    """Yield the word without its last one, two and three letters, while four are left."""
    for end in range(max(_FEWEST_LETTERS, len(word) - _LONGEST_ENDING), len(word)):
        yield word[:end]
