"""What a model knows of a project's texts before it knows a label: their words, their subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from prelabel.models.features import TfidfFeatures
from prelabel.models.semantic import SemanticSpace

MAX_POOL_TEXTS = 20_000
"""Directions are learned from at most so many texts, to bound the time."""


@dataclass(frozen=True, slots=True)
class Representation:
    """Words by how rare they are, and the directions in which a project's texts differ.

    Attributes
    ----------
    features
        Vocabulary and weights of its n-grams.
    space
        Semantic coordinates of the vectors of ``features``; of no components if there were no
        unlabeled texts.
    mean
        Mean vector of the unlabeled texts and the labeled ones, shape (n_features,), float32; 0
        if there were no unlabeled texts.
    """

    features: TfidfFeatures
    space: SemanticSpace
    mean: npt.NDArray[np.float32]

    @classmethod
    def learn(
        cls, texts: Sequence[str], unlabeled: Sequence[str], *, n_components: int, seed: int
    ) -> Self:
        """Learn from texts, those that have labels and those that have none yet.

        The labeled ones may be among the ``unlabeled``, or not. Without others, there are no
        directions.
        """
        known = set(texts)
        others = [text for text in dict.fromkeys(unlabeled) if text not in known]
        pool = [*texts, *others]
        features = TfidfFeatures().fit(pool)
        # Without others, directions would only weigh anew what the labels weigh better.
        vectors = features.transform(_sample(pool) if others else [])
        space = SemanticSpace.fit(vectors, n_components=n_components, seed=seed)
        sums = np.asarray(vectors.sum(axis=0), np.float32).reshape(-1)
        return cls(features, space, sums / np.float32(max(1, vectors.shape[0])))


def _sample(texts: Sequence[str]) -> Sequence[str]:
    """Return at most so many texts as directions are learned from, evenly spaced."""
    if len(texts) <= MAX_POOL_TEXTS:
        return texts
    spaced = np.linspace(0, len(texts) - 1, MAX_POOL_TEXTS).astype(np.int64)
    return [texts[i] for i in spaced.tolist()]
