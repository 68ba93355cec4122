"""What names of labels mean: the texts of a project that they speak for, found without a label.

A name is a word or two, and most texts have none of them. But each name begins a group of texts,
the nearest to it, an equal number for each. The middle of a group is a better name than the name,
and has a better group; a few rounds later "Sports" means matches and strikers. It is k-means with
groups of one size, which starts from the names and is held by them.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import filterfalse, pairwise
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from prelabel.models.characters import CJK, Integers, classes_of_code_points
from prelabel.models.features import TfidfFeatures
from prelabel.models.milestones import last_milestone, remembered
from prelabel.models.ngrams import Counts
from prelabel.models.representation import Representation

Matrix = npt.NDArray[np.float32]
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
_HELD = np.float32(0.5)
"""How much a name weighs beside the middle of its group."""


@dataclass(frozen=True, slots=True)
class _Found:
    pairs: NamePairs

    @property
    def n_bytes(self) -> int:
        """Memory it takes; the representation, whose texts these are, may be forgotten first."""
        return sum(100 + sys.getsizeof(text) for _, text in self.pairs)


def find_name_texts(
    names: Mapping[str, str], n_labels: int, labeled: Sequence[str], representation: Representation
) -> NamePairs:
    """Return labels with texts that their names speak for: about as many of each, 300 at most.

    There are none if the names are too few or too many to tell, if there were no unlabeled texts,
    or if 500 texts have labels. What a person labeled is left out from the next milestone on.

    Parameters
    ----------
    names
        A text for the name of each label whose name the project's texts know.
    n_labels
        How many labels there are, known by name or not.
    labeled
        The texts that people labeled, in their order.
    """
    seen = labeled[: last_milestone(len(labeled))]
    if len(seen) >= _ENOUGH_LABELS or not names_speak(names, n_labels, representation):
        return ()
    found = _find(tuple(_words(names).items()), representation).pairs
    decided = frozenset(seen)
    return tuple((label, text) for label, text in found if text not in decided)


def names_speak(names: Mapping[str, str], n_labels: int, representation: Representation) -> bool:
    """Whether names speak for texts: nine in ten are said in them, and there are unlabeled texts.

    Parameters are those of `find_name_texts`.
    """
    words = _words(names)
    is_enough = 2 <= len(words) <= _MOST_TEXTS and len(words) >= _FEWEST_NAMES * n_labels
    has_pool = representation.space.directions.shape[1] > 0
    return is_enough and has_pool and bool(_find(tuple(words.items()), representation).pairs)


def _words(names: Mapping[str, str]) -> dict[str, str]:
    """Return names that have words, without what is none to the features.

    A mark, as a vowel of Hindi is one, breaks words (`classes_of_code_points`): their pieces are
    in words of any meaning.
    """
    whole = {label: " ".join(filterfalse(_has_mark, names[label].split())) for label in names}
    return {label: text for label, text in whole.items() if _A_WORD.search(text)}


def _has_mark(word: str) -> bool:
    """Whether a mark follows a letter; one that follows an emoji breaks no word."""
    pairs = pairwise(word)
    return any(unicodedata.category(sign)[0] == "M" and it.isalnum() for it, sign in pairs)


@remembered
def _find(names: NamePairs, representation: Representation) -> _Found:
    texts = representation.texts
    written = [text for _, text in names]
    vectors = representation.features.transform(texts)
    said = _count_said(written, vectors, representation.features)
    if np.mean(said * len(names) >= _LEAST_SAID * len(texts)) < _FEWEST_NAMES:
        return _Found(())
    view = _View.of(vectors, representation)
    anchors = view.look_at(representation.features.transform(written))
    size = max(1, len(texts) // (2 * len(names)))
    points = anchors
    for part in range(1, _ROUNDS + 1):
        # The surest first: most texts say nothing of a name before its group has grown.
        groups = view.divide(points, max(1, size * part // _ROUNDS))
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
        )
    )


def _count_said(names: Sequence[str], vectors: Counts, features: TfidfFeatures) -> Integers:
    """Return how many texts have a word of each name.

    One CJK character of several is none, nor is what all names have: it tells nothing apart.
    """
    words = features.transform(names)[:, : features.n_words].tolil()
    characters = sorted({c for c in "".join(names) if classes_of_code_points()[ord(c)] == CJK})
    words[:, features.transform(characters)[:, : features.n_words].indices] = 0
    words[:, np.flatnonzero(words.getnnz(axis=0) == len(names))] = 0
    have_it = (vectors[:, : features.n_words] @ words.tocsr().T).tocsr()
    return np.bincount(have_it.indices, minlength=len(names))


@dataclass(frozen=True, slots=True)
class _View:
    """Texts as points: their words beside their semantic coordinates, halfway evened out.

    The strongest directions alone would decide otherwise; if all were as strong, the weakest
    would, which say little.

    Attributes
    ----------
    vectors, coordinates
        Of the texts, shapes (texts, features) and (texts, components).
    mean
        Of the vectors, shape (features,).
    directions
        What turns vectors into coordinates, shape (features, components).
    """

    vectors: Counts
    coordinates: Matrix
    mean: Matrix
    directions: Matrix

    @classmethod
    def of(cls, vectors: Counts, representation: Representation) -> Self:
        plain = representation.space.transform(vectors)
        spreads: Matrix = np.sqrt(plain.std(axis=0))
        spreads[spreads == 0] = 1
        directions: Matrix = representation.space.directions / spreads
        mean: Matrix = np.asarray(vectors.mean(axis=0), np.float32).reshape(-1)
        coordinates: Matrix = vectors @ directions - mean @ directions
        return cls(vectors, _to_unit(coordinates), mean, directions)

    def look_at(self, names: Counts) -> Matrix:
        """Return names as points, shape (names, features + components)."""
        return np.hstack((_to_unit(names.toarray()), _to_unit(names @ self.directions)))

    def middles(self, groups: Integers) -> Matrix:
        """Return the middles of groups of texts, as points."""
        n_groups, size = groups.shape
        starts = np.arange(0, groups.size + 1, size)
        shares = np.full(groups.size, 1 / size, np.float32)
        shape = (n_groups, len(self.coordinates))
        means = sparse.csr_matrix((shares, groups.reshape(-1), starts), shape=shape)
        words = (means @ self.vectors).toarray() - self.mean
        return np.hstack((_to_unit(words), _to_unit(means @ self.coordinates)))

    def divide(self, points: Matrix, size: int) -> Integers:
        """Return the texts nearest to each point, shape (points, size), the nearest first.

        Near is what a text has more of with a point than with any other. What a point has of all
        texts on average does not count, so that no word that all have draws them.
        """
        n_features = self.vectors.shape[1]
        words, coordinates = points[:, :n_features], points[:, n_features:]
        scores = self.vectors @ words.T + self.coordinates @ coordinates.T
        scores -= scores.mean(axis=0)
        scores /= np.maximum(scores.std(axis=0), np.finfo(np.float32).tiny)
        best = scores.argmax(axis=1)
        second, first = np.partition(scores, -2, axis=1)[:, -2:].T
        leads = scores - first[:, None]
        leads[np.arange(len(scores)), best] = first - second
        return np.argsort(-leads, axis=0, kind="stable")[:size].T


def _to_unit(rows: Matrix) -> Matrix:
    lengths: Matrix = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    found: Matrix = rows / lengths
    return found
