"""What a model knows of a project's texts before it knows a label: their words, their subjects."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Matrix
from prelabel.models.features import TfidfFeatures
from prelabel.models.milestones import Beginning, Key, remembered
from prelabel.models.ngrams import Counts
from prelabel.models.semantic import SemanticSpace
from prelabel.models.word_vectors import learn_word_directions

MAX_POOL_TEXTS = 20_000
"""Directions are learned from at most so many texts, to bound the time."""


@dataclass(frozen=True, slots=True, eq=False)
class Representation:
    """Words by how rare they are, and the directions in which a project's texts differ.

    Attributes
    ----------
    features
        Vocabulary and weights of its n-grams.
    topics, words
        Semantic coordinates of the vectors of ``features``, by which words share texts and by
        which words have the same neighbours; of no components if there were no unlabeled texts.
    mean
        Mean vector of the texts, shape (n_features,), float32; 0 if there were no unlabeled texts.
    texts
        Those that the directions were learned from.
    key
        What it is known by: equal ones are learned from equal texts in the same way.
    """

    features: TfidfFeatures
    topics: SemanticSpace
    words: SemanticSpace
    mean: npt.NDArray[np.float32]
    texts: Sequence[str]
    key: Key

    @staticmethod
    def learn(
        texts: Sequence[str], unlabeled: Sequence[str], *, n_components: int, seed: int
    ) -> Representation:
        """Learn from texts, those that have labels and those that have none yet.

        What was learned of the same texts is remembered, and a few texts more change nothing
        before the next milestone: labels can be added in a fraction of the time.

        Parameters
        ----------
        texts
            Those with labels. They may be among the ``unlabeled``, or not.
        """
        others = dict.fromkeys(unlabeled)
        has_others = not others.keys() <= set(texts)
        # What has come first comes first, so that the texts before a milestone stay the same.
        pool = list(dict.fromkeys([*others, *texts] if has_others else texts))
        # Without others, directions would only weigh anew what the labels weigh better.
        first = Beginning.of(pool, role="pool")
        return _learn(first, n_components if has_others else 0, seed)

    @property
    def n_bytes(self) -> int:
        """Memory it takes, between a fit that has ended and the next."""
        spaces = self.topics.directions.nbytes + self.words.directions.nbytes
        of_texts = sum(map(sys.getsizeof, self.texts))
        return spaces + self.mean.nbytes + self.features.n_bytes + of_texts

    def locate(self, vectors: Counts) -> Matrix:
        """Semantic coordinates of vectors, shape (texts, components): topics, then words."""
        return np.hstack((self.topics.transform(vectors), self.words.transform(vectors)))

    def fold(self, weights: Matrix) -> Matrix:
        """Coefficients over vectors that score as weights, shape (components, classes), do here."""
        n_topics = self.topics.directions.shape[1]
        return self.topics.fold(weights[:n_topics]) + self.words.fold(weights[n_topics:])

    def forget_tokens(self) -> None:
        """End a fit: what it has read of tokens is not needed for the next, and is not kept."""
        self.features.forget_tokens()


@remembered
def _learn(pool: Beginning, n_components: int, seed: int) -> Representation:
    features = TfidfFeatures().fit(pool.texts)
    texts = _sample(pool.texts) if n_components else []
    vectors = features.transform(texts)
    topics = SemanticSpace.fit(vectors, n_components=n_components, seed=seed)
    directions = learn_word_directions(texts, features, n_components=n_components, seed=seed)
    sums = np.asarray(vectors.sum(axis=0), np.float32).reshape(-1)
    return Representation(
        features, topics, SemanticSpace.scaled(directions, vectors),
        sums / np.float32(max(1, len(texts))), texts,
        key=(*pool.key, n_components, seed),
    )  # fmt: skip


def _sample(texts: Sequence[str]) -> Sequence[str]:
    """Return at most so many texts as directions are learned from, evenly spaced."""
    if len(texts) <= MAX_POOL_TEXTS:
        return texts
    spaced = np.linspace(0, len(texts) - 1, MAX_POOL_TEXTS).astype(np.int64)
    return [texts[i] for i in spaced.tolist()]
