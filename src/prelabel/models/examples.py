"""What a model learns from: texts with labels, and the names of the labels as weak examples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

import numpy as np
import numpy.typing as npt

from prelabel.errors import NotEnoughLabelsError
from prelabel.models.arrays import Floats, Integers
from prelabel.models.inputs import read_weights

_BETWEEN_WORDS = re.compile(r"_+|(?<=[a-z])(?=[A-Z])")  # accept_reservations, accountBlocked


_NOT_IT, _IT = "", "it"

NAME_WEIGHT = 3.0
"""A name, with what it speaks for, counts as three examples at first, and as one beside six real
ones of its label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """Names of labels, which are weak examples, then the texts that people labeled.

    Attributes
    ----------
    classes
        Labels that can be learned, sorted.
    names
        Texts of the names: the names themselves, then texts that they speak for.
    texts
        What people labeled.
    labels
        Position in ``classes`` of the label of each name and each text.
    text_weights
        How often each of ``texts`` counts, float64; 0 for none of them.
    positions
        Where ``texts`` stood in what was given, ascending.
    name_weight
        Of how many texts a label's names have the weight while it has no text.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    texts: tuple[str, ...]
    labels: Integers
    text_weights: Floats
    positions: Integers
    name_weight: float = NAME_WEIGHT

    @classmethod
    def of(
        cls, texts: Sequence[str], labels: Sequence[str], weights: npt.ArrayLike | None,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> Self:  # fmt: skip
        """Check what people labeled; texts that weigh nothing are left out.

        Parameters
        ----------
        names
            A text for the name of each label. A label that has no other example has this one.

        Raises
        ------
        ValueError
            If there is not one label for each text, and one finite weight, at least 0.
        """
        given = read_weights(weights, n_texts=len(texts), n_labels=len(labels))
        kept = np.flatnonzero(given)
        of_all = [*names, *(labels[i] for i in kept.tolist())]
        classes = tuple(sorted(set(of_all)))
        column = {label: i for i, label in enumerate(classes)}
        return cls(
            classes=classes,
            names=tuple(names.values()),
            texts=tuple(texts[i] for i in kept.tolist()),
            labels=np.array([column[label] for label in of_all], np.int64),
            text_weights=given[kept],
            positions=kept,
        )

    @classmethod
    def of_one_label(
        cls, texts: Sequence[str], has_it: Sequence[bool], weights: npt.ArrayLike | None,
        names: Sequence[tuple[Collection[str], str]], label: str,
    ) -> Self:  # fmt: skip
        """Tell one label from its absence: what speaks for another label is a text without it.

        ``classes`` are "" and "it".

        Parameters
        ----------
        names
            The names' texts, then those that they speak for, each with the labels it is of.
        """
        answers = [_IT if found else _NOT_IT for found in has_it]
        examples = cls.of(texts, answers, weights)
        of_names = [_IT if label in named else _NOT_IT for named, _ in names]
        both = (_NOT_IT, _IT)
        return replace(
            examples,
            classes=both,
            names=tuple(text for _, text in names),
            labels=np.array(
                [both.index(a) for a in (*of_names, *(answers[i] for i in examples.positions))],
                np.int64,
            ),
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def text_labels(self) -> Integers:
        """The part of ``labels`` that people gave, shape (texts,)."""
        return self.labels[len(self.names) :]

    @property
    def n_decided(self) -> int:
        """How many different labels people gave."""
        return len(np.unique(self.text_labels))

    @property
    def weights(self) -> Floats:
        """How often each name and each text counts, shape (len(self),)."""
        named, labeled = np.split(self.labels, [len(self.names)])
        counts, shares = (
            np.bincount(some, minlength=len(self.classes))[named] for some in (labeled, named)
        )
        of_names = self.name_weight / (1 + counts / self.name_weight) / shares
        return np.concatenate((of_names, self.text_weights))

    def first(self, n: int) -> Examples:
        """Return the names and the first ``n`` texts; ``classes`` stay as they are."""
        return replace(
            self,
            texts=self.texts[:n],
            labels=self.labels[: len(self.names) + n],
            text_weights=self.text_weights[:n],
            positions=self.positions[:n],
        )

    def speaking_of(
        self, name_texts: Sequence[tuple[str, str]], *, name_weight: float = NAME_WEIGHT
    ) -> Examples:
        """Return the same with more for the names: labels with texts that they speak for."""
        column = {label: i for i, label in enumerate(self.classes)}
        named, labeled = np.split(self.labels, [len(self.names)])
        spoken_for = np.array([column[label] for label, _ in name_texts], np.int64)
        return replace(
            self,
            names=(*self.names, *(text for _, text in name_texts)),
            name_weight=name_weight,
            labels=np.concatenate((named, spoken_for, labeled)),
        )

    def require_two_labels(self) -> None:
        """Raise `NotEnoughLabelsError` if there is nothing to tell apart."""
        if len(self.classes) < 2:
            raise NotEnoughLabelsError(Counter(self.classes[i] for i in self.text_labels))


def write_name(names: Sequence[str]) -> str:
    """Return a text of all that a label is called.

    >>> write_name(["accept_reservations", "Book a table"])
    'accept reservations Book a table'
    """
    return " ".join(_BETWEEN_WORDS.sub(" ", name) for name in names)
