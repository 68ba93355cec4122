"""What a model learns from: texts with labels, and the names of the labels as weak examples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from prelabel.errors import NotEnoughLabelsError
from prelabel.models.ngrams import Integers

Floats = npt.NDArray[np.floating]

_BETWEEN_WORDS = re.compile(r"_+|(?<=[a-z])(?=[A-Z])")  # accept_reservations, accountBlocked


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """Texts with labels, the real ones before the weak ones.

    Attributes
    ----------
    classes
        Labels that can be learned, sorted.
    labels
        Position in ``classes`` of each text's label, shape (texts,).
    weights
        How often each text counts, shape (texts,), float64; 0 for none of them.
    n_real
        How many texts people have labeled; the others are names of labels.
    positions
        Where these stood in what was given, ascending, shape (n_real,).
    """

    classes: tuple[str, ...]
    texts: Sequence[str]
    labels: Integers
    weights: Floats
    n_real: int
    positions: Integers

    @classmethod
    def of(cls, texts: Sequence[str], labels: Sequence[str], weights: npt.ArrayLike | None) -> Self:
        """Check what people labeled; texts that weigh nothing are left out.

        Raises
        ------
        ValueError
            If there is not one label for each text, and one finite weight, at least 0.
        """
        given = np.ones(len(texts)) if weights is None else np.asarray(weights, np.float64)
        if len(labels) != len(texts) or given.shape != (len(texts),):
            message = f"{len(texts)} texts, {len(labels)} labels, weights of shape {given.shape}"
            raise ValueError(f"Received {message}; expected one label and one weight for each text")
        if not (np.isfinite(given) & (given >= 0)).all():
            raise ValueError("Received a weight below 0 or not finite; expected none")
        kept = np.flatnonzero(given)
        classes, columns = _number([labels[i] for i in kept.tolist()])
        return cls(
            classes=classes,
            texts=[texts[i] for i in kept.tolist()],
            labels=columns,
            weights=given[kept],
            n_real=len(kept),
            positions=kept,
        )

    def with_names(
        self, names: Mapping[str, str], *, weight: Callable[[Integers], Floats],
        unseen: bool,
    ) -> Self:  # fmt: skip
        """Add the names of the labels, one text a label.

        Parameters
        ----------
        weight
            Of a name, by how many real examples its label has.
        unseen
            Whether a label without a real example is learned from its name alone. It always is
            where there are no real examples at all.
        """
        known = set(self.classes)
        used = [name for name in names if unseen or not self.n_real or name in known]
        labeled = [self.classes[i] for i in self.labels]
        classes, columns = _number([*labeled, *used])
        counts = np.bincount(columns[: self.n_real], minlength=len(classes))
        return type(self)(
            classes=classes,
            texts=[*self.texts, *(names[label] for label in used)],
            labels=columns,
            weights=np.concatenate((self.weights, weight(counts[columns[self.n_real :]]))),
            n_real=self.n_real,
            positions=self.positions,
        )

    def require_two_labels(self) -> None:
        """Raise `NotEnoughLabelsError` if there is nothing to tell apart."""
        if len(self.classes) < 2:
            raise NotEnoughLabelsError(Counter(self.classes[i] for i in self.labels[: self.n_real]))


def write_name(names: Sequence[str]) -> str:
    """Return a text of all that a label is called.

    >>> write_name(["accept_reservations", "Book a table"])
    'accept reservations Book a table'
    """
    return " ".join(_BETWEEN_WORDS.sub(" ", name) for name in names)


def _number(labels: Sequence[str]) -> tuple[tuple[str, ...], Integers]:
    classes = tuple(sorted(set(labels)))
    column = {label: i for i, label in enumerate(classes)}
    return classes, np.array([column[label] for label in labels], np.int64)
