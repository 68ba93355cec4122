"""A model small enough to fit in a millisecond, and right about texts that differ plainly."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from prelabel.errors import ArtifactError, NotEnoughLabelsError
from prelabel.models.base import Arrays, TextModel
from prelabel.models.method import Method
from prelabel.types import Example

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


class Letters(TextModel):
    """Tells labels apart by how often each letter occurs."""

    def fit(self, texts: Sequence[str], labels: Sequence[str], **extras: Any) -> Self:
        counts = Counter(labels)
        if len(counts) < 2:
            raise NotEnoughLabelsError(counts)
        self.classes_ = tuple(sorted(counts))
        rows = [count_letters([t for t, of in zip(texts, labels, strict=True) if of == label])
                for label in self.classes_]  # fmt: skip
        self.letters = np.array([row.sum(axis=0) for row in rows], np.float32)
        return self

    def predict_proba(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        shares = (self.letters + 1) / (self.letters + 1).sum(axis=1, keepdims=True)
        scores = count_letters(texts) @ np.log(shares).T
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: npt.NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return found

    def to_arrays(self) -> Arrays:
        return {"letters": self.letters}

    @classmethod
    def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
        if "letters" not in arrays:
            raise ArtifactError("No letters", expected="letters", fix="Train again.")
        model = cls()
        model.classes_, model.letters = tuple(classes), arrays["letters"]
        return model


def forgetful_letters() -> type[Letters]:
    """Return a class of the same name whose changed code cannot load what was stored."""

    class Forgetful(Letters):
        @classmethod
        def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
            raise AttributeError("words")

    Forgetful.__name__ = Letters.__name__
    return Forgetful


def counted_letters(alive: weakref.WeakSet[Letters]) -> type[Letters]:
    """Return a class of the same name, of which loaded models are seen."""

    class Counted(Letters):
        @classmethod
        def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
            model = super().from_arrays(arrays, classes)
            alive.add(model)
            return model

    Counted.__name__ = Letters.__name__
    return Counted


def make_examples(labels: Iterable[str], *, texts: int = 10**6) -> list[Example]:
    """Return an example for each label, a letter, whose text is of it; so many texts differ."""
    return [
        Example(task_id=n, text=f"{label * 3} {n % texts}", labels=(label,))
        for n, label in enumerate(labels)
    ]


def count_letters(texts: Sequence[str]) -> npt.NDArray[Any]:
    counts = [[text.lower().count(letter) for letter in ALPHABET] for text in texts]
    return np.array(counts, np.float32).reshape(-1, len(ALPHABET))


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeBy(Method):
    """A method whose models are made as a test says."""

    make: Callable[[], TextModel]

    @property
    def recipe(self) -> dict[str, Any]:
        return {"model": "Letters", "C": self.C}

    def new_model(self) -> TextModel:
        return self.make()
