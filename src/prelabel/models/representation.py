"""What a model knows of a project's texts before it knows a label: their words, their subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from prelabel.models.features import TfidfFeatures
from prelabel.models.semantic import SemanticSpace

MAX_POOL_TEXTS = 20_000
"""Directions are learned from at most so many texts, which takes 20 s; more add nothing."""


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
    """

    features: TfidfFeatures
    space: SemanticSpace

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
        if not others:
            n_components = 0  # it would only weigh words anew that the labels weigh better
        if len(pool) > MAX_POOL_TEXTS:
            spaced = np.linspace(0, len(pool) - 1, MAX_POOL_TEXTS).astype(np.int64)
            pool = [pool[i] for i in spaced.tolist()]
        vectors = features.transform(pool if n_components else [])
        return cls(features, SemanticSpace.fit(vectors, n_components=n_components, seed=seed))
