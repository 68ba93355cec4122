"""What names of labels mean: the texts of a project that they speak for, found without a label.

A name is a word or two, and most texts have none of them. But each name begins a group of texts,
the nearest to it, an equal number for each. The middle of a group is a better name than the name,
and has a better group; a few rounds later "Sports" means matches and strikers. It is k-means with
groups of one size, which starts from the names and is held by them. Names that are common bring
words with them (`lexicon`): one round is enough for those, and more lead away from what they mean.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import filterfalse, pairwise

import numpy as np

from prelabel.models.arrays import Integers
from prelabel.models.characters import ALONE, OTHER, classes_of_code_points, is_mark
from prelabel.models.features import TfidfFeatures
from prelabel.models.label_names import is_word
from prelabel.models.milestones import last_milestone, remembered
from prelabel.models.ngrams import Counts
from prelabel.models.points import Points
from prelabel.models.representation import Representation

NamePairs = tuple[tuple[str, str], ...]
"""Labels, each with a text."""

_A_WORD = re.compile(r"[^\W\d_]{2}")  # the name "3" of a rating means no three

_FEWEST_NAMES = 0.9
"""Of so many of the labels the texts must know the name: if of fewer, the texts of all others
would be divided among those."""

_LEAST_SAID = 0.01
"""So many of a label's texts must have a word of its name, if all labels are as frequent: what
people hardly say when they write of it begins a group by accident."""

_MOST_TEXTS = 300
_ENOUGH_LABELS = 500
"""From so many labels on, names alone speak: the texts would cost more than they tell."""

_ROUNDS = 5
_HELD = np.float32(1)
"""How much a name weighs beside the middle of its group."""

_MANY_WORDS = 6
"""Names of so many words, as the lexicon's or those of a hint, need a single round."""

_MOST_LISTED = 10

_BROKEN = (
    "Nothing is learned from names in a script whose marks break words, as vowel signs of Tamil "
    "do. Label texts of two labels, or give the labels a hint in another script that texts have."
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What names begin in texts.

    Attributes
    ----------
    unsaid
        The labels whose names hardly any text says.
    """

    pairs: NamePairs
    unsaid: Sequence[str]

    @property
    def n_bytes(self) -> int:
        """Memory it takes; the representation, whose texts these are, may be forgotten first."""
        return sum(100 + sys.getsizeof(text) for _, text in self.pairs)


def find_name_texts(
    names: Mapping[str, str],
    labels: Collection[str],
    labeled: Sequence[str],
    representation: Representation,
) -> NamePairs:
    """Return labels with texts that their names speak for: about as many of each, 300 at most.

    There are none if names are silent (`find_silence`) or 500 texts have labels. What a person
    labeled is left out from the next milestone on.

    Parameters
    ----------
    names
        A text for the name of each label whose name the project's texts know.
    labels
        All labels, known by name or not.
    labeled
        The texts that people labeled, in their order.
    """
    seen = labeled[: last_milestone(len(labeled))]
    if len(seen) >= _ENOUGH_LABELS or find_silence(names, labels, representation):
        return ()
    found = _find(tuple(_words(names).items()), representation).pairs
    decided = frozenset(seen)
    return tuple((label, text) for label, text in found if text not in decided)


def find_silence(
    names: Mapping[str, str], labels: Collection[str], representation: Representation
) -> str | None:
    """Return why names do not speak for texts, and what to do, for people; None if they do.

    They do if there are unlabeled texts, and nine in ten of at least two names are said in them.
    Parameters are those of `find_name_texts`.
    """
    if not representation.topics.directions.shape[1]:
        return "There are no texts without labels. Import some, or label texts of two labels."
    words = _words(names)
    if len(words) < _FEWEST_NAMES * len(labels):
        return _tell_unknown(names, [label for label in labels if label not in words], labels)
    if len(words) < 2:
        return "There are fewer than two labels. Add another."
    if len(words) > _MOST_TEXTS:
        return f"More than {_MOST_TEXTS} labels are too many. Label texts of two labels."
    found = _find(tuple(words.items()), representation)
    if not found.pairs:
        silent = [*found.unsaid, *(label for label in labels if label not in words)]
        return f"Hardly a text has a word of the names of {_tell(silent, labels)}"
    return None


def _tell_unknown(names: Mapping[str, str], some: Sequence[str], labels: Collection[str]) -> str:
    if any(_is_broken(word) for label in some for word in names.get(label, "").split()):
        return _BROKEN
    return f"No text has a word of the names of {_tell(some, labels)}"


def _tell(some: Sequence[str], labels: Collection[str]) -> str:
    listed = ", ".join(map(str, some[:_MOST_LISTED])) + (", …" if len(some) > _MOST_LISTED else "")
    return (
        f"{len(some)} of {len(labels)} labels, which is more than one in ten: {listed}. Give them "
        "a hint in the labeling config with words that their texts have, or label texts of two "
        "labels."
    )


def _words(names: Mapping[str, str]) -> dict[str, str]:
    """Return names that have words, without what is none to the features.

    A mark, as a vowel of Tamil is one, may break words (`classes_of_code_points`): their pieces
    are in words of any meaning.
    """
    whole = {label: " ".join(filterfalse(_is_broken, names[label].split())) for label in names}
    return {label: text for label, text in whole.items() if _has_word(text) or _alone(text)}


def _has_word(name: str) -> bool:
    return _A_WORD.search("".join(filterfalse(is_mark, name))) is not None


def _alone(name: str) -> Set[str]:
    """Return the characters of a name that are words of it by themselves."""
    return {word for word in name.split() if len(word) == 1 and is_word(word)}


def _is_broken(word: str) -> bool:
    """Whether a mark breaks a word after a letter; one that follows an emoji breaks none."""
    signs = (sign for it, sign in pairwise(word) if it.isalnum())
    return any(is_mark(sign) and _class_of(sign) == OTHER for sign in signs)


def _stands_alone(character: str) -> bool:
    return _class_of(character) == ALONE


def _class_of(character: str) -> int:
    return int(classes_of_code_points()[ord(character)])


@remembered
def _find(names: NamePairs, representation: Representation) -> _Found:
    texts = representation.texts
    written = [text for _, text in names]
    vectors = representation.features.transform(texts)
    said = _count_said(written, vectors, representation.features)
    is_said = said * len(names) >= _LEAST_SAID * len(texts)
    unsaid = [label for (label, _), is_it in zip(names, is_said, strict=True) if not is_it]
    if is_said.mean() < _FEWEST_NAMES:
        return _Found((), unsaid)
    view = Points.of(vectors, representation)
    anchors = view.look_at(representation.features.transform(written))
    size = max(1, len(texts) // (2 * len(names)))
    points = anchors
    n_rounds = _count_rounds(written)
    for part in range(1, n_rounds + 1):
        # The surest first: most texts say nothing of a name before its group has grown.
        groups = view.divide(points, max(1, size * part // n_rounds))
        points = view.middles(groups) + _HELD * anchors
    groups = view.divide(points, size)
    n_each = min(max(1, size // 4), _MOST_TEXTS // len(names))
    # Evenly spaced: the surest texts alone are too much alike.
    spaced = np.linspace(0, size - 1, n_each).astype(np.int64)
    return _Found(
        tuple(
            (label, texts[i])
            for (label, _), group in zip(names, groups, strict=True)
            for i in group[spaced].tolist()
        ),
        unsaid,
    )


def _count_rounds(names: Sequence[str]) -> int:
    return 1 if np.median([len(name.split()) for name in names]) >= _MANY_WORDS else _ROUNDS


def _count_said(names: Sequence[str], vectors: Counts, features: TfidfFeatures) -> Integers:
    """Return how many texts have a word of each name.

    One character that stands alone, of several, is none, nor is what all names have: it tells
    nothing apart.
    """
    words = features.transform(names)[:, : features.n_words].tolil()
    for row, name in enumerate(names):
        parts = {*filter(_stands_alone, name)} - _alone(name)
        words[row, features.transform(sorted(parts))[:, : features.n_words].indices] = 0
    words[:, np.flatnonzero(words.getnnz(axis=0) == len(names))] = 0
    have_it = (vectors[:, : features.n_words] @ words.tocsr().T).tocsr()
    return np.bincount(have_it.indices, minlength=len(names))
