"""What a model is: the interface between the loop and whatever learns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]
"""A model as data: arrays by name. Never objects, never code."""


class Classes(Protocol):
    """Labels in the order of columns: a tuple, or an array, as scikit-learn has it."""

    def __len__(self) -> int: ...
    def __getitem__(self, column: int, /) -> str: ...
    def __iter__(self) -> Iterator[str]: ...


class Model(ABC):
    """What all models have. One instance is one fit: fitted once, then never changed.

    A model is made in the training process, stored as the arrays of `to_arrays`, and rebuilt by
    `from_arrays` in every serving process.

    Attributes
    ----------
    classes_
        Labels it can predict, sorted; the names of the columns of `predict_proba`. Set by `fit`.
    out_of_fold_
        Probabilities of the texts it was fitted on, shape (len(texts), len(classes_)), by fits
        that saw neither them nor an equal text; rows of NaN where there are none. A model whose
        `fit` leaves it None is fitted some more times to measure it. None if it was not fitted
        here.
    """

    classes_: Classes
    out_of_fold_: npt.NDArray[np.float32] | None = None

    revision: ClassVar[int] = 1
    """Raised when the same texts and labels give another model than before: the next training makes
    a new version then, even if no label has changed."""

    @abstractmethod
    def predict_proba(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Probabilities, shape (len(texts), len(classes_)): finite, in [0, 1]."""

    @abstractmethod
    def to_arrays(self) -> Arrays:
        """All that `predict_proba` needs besides `classes_`."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
        """Rebuild what `to_arrays` gave, without copying; raise `ArtifactError` if it cannot."""


def labels_of(model: Model) -> tuple[str, ...]:
    """Return a model's ``classes_`` as plain strings: an array would have its own kind of them."""
    classes = model.classes_
    if not isinstance(classes, np.ndarray):
        return tuple(map(str, classes))
    is_plain = classes.dtype.kind == "U"  # as of most models, at every request
    return tuple(classes.tolist() if is_plain else map(str, classes.tolist()))


class TextModel(Model):
    """Learns which one of several labels a text has: rows of `predict_proba` sum to 1."""

    several: ClassVar[type[MultiLabelModel] | None] = None
    """The class that learns texts with several labels beside this one; None learns none such."""

    @abstractmethod
    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        *,
        unlabeled: Iterable[str] | None = None,
        label_names: Mapping[str, Sequence[str]] | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from ``texts[i]`` having ``labels[i]``; return self.

        A model may ignore all but these two.

        Parameters
        ----------
        texts, labels
            What people decided, one label for each text.
        unlabeled
            Texts of the project whose labels are not known; labeled ones among them do no harm.
        label_names
            What each label is called (its value, alias, hint), for all labels of the project. A
            label that has a name but no example is not learned while others have examples.
        sample_weight
            How often each text counts, shape (len(texts),): finite, at least 0. None is 1 for all.

        Raises
        ------
        NotEnoughLabelsError
            If there are not at least two different labels.
        """


class MultiLabelModel(Model):
    """Learns which of several labels a text has, any number of them: columns are independent.

    Attributes
    ----------
    thresholds_
        From which probability on each label is chosen, shape (len(classes_),). Set by `fit`.
    thresholds_out_of_fold_
        The same for each text it was fitted on, shape (len(texts), len(classes_)): tuned without
        that text, as `out_of_fold_` is predicted without it. If None, ``thresholds_`` decide.
    """

    thresholds_: npt.NDArray[np.float32]
    thresholds_out_of_fold_: npt.NDArray[np.float32] | None = None

    @abstractmethod
    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[Collection[str]],
        *,
        unlabeled: Iterable[str] | None = None,
        label_names: Mapping[str, Sequence[str]] | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from ``texts[i]`` having all of ``labels[i]``, which may be none; return self.

        As `TextModel.fit` otherwise.

        Raises
        ------
        NotEnoughLabelsError
            If no label tells any two texts apart.
        """
