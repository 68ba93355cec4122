"""What callers give to learn from, checked: texts, labels of one kind, weights.

Lists, arrays and columns of tables are taken alike, by their order and not by their index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_ONLY_TEXTS = frozenset({str})

_LEAST_WEIGHT, _MOST_WEIGHT = 1e-12, 1e12  # scikit-learn computes with 32 bits


def read_texts(texts: Iterable[str]) -> list[str]:
    """Return texts as a list; raise `ValueError` if they are anything but texts, one after another.

    >>> read_texts(np.array(["see you", ""]))
    ['see you', '']
    """
    return _to_texts(texts, "texts")


def read_labels(labels: Iterable[Any]) -> list[Any]:
    """Return labels as a list; raise `ValueError` unless all are texts, or all whole numbers.

    >>> read_labels(np.array([1, 0]))
    [1, 0]
    """
    given = _to_list(labels, "labels")
    found = [label.item() if isinstance(label, np.generic) else label for label in given]
    if all(isinstance(label, str) for label in found):
        return found
    if not all(isinstance(label, int | float) and label == label // 1 for label in found):
        kinds = ", ".join(sorted({type(label).__name__ for label in found}))
        raise ValueError(
            f"Received labels of the kinds {kinds}; expected texts only, or whole numbers only. "
            "Leave out texts whose label is missing."
        )
    return found


def read_sets(labels: Iterable[Collection[Any]]) -> list[frozenset[Any]]:
    """Return the labels of each text; raise `ValueError` if a text has one instead of several.

    Labels of a table of zeros and ones, as scikit-learn has them, are the numbers of its columns.

    >>> [sorted(chosen) for chosen in read_sets(np.array([[0, 1], [1, 1], [0, 0]]))]
    [[1], [0, 1], []]
    """
    if getattr(labels, "ndim", 1) == 2:
        return [frozenset(np.flatnonzero(row).tolist()) for row in _read_table(labels)]
    found = _to_list(labels, "labels")
    for position, chosen in enumerate(found):
        if isinstance(chosen, str) or not isinstance(chosen, Collection):
            raise ValueError(  # noqa: TRY004 - as `read_texts`
                f"Received {chosen!r:.50} as the labels of text {position}; expected a collection "
                "of labels, as ('late', 'cold') or ()"
            )
        if isinstance(chosen, list | tuple) and len(set(chosen)) < len(chosen):
            raise ValueError(
                f"Received {chosen!r:.50} as the labels of text {position}, which repeats one; "
                "expected each label once. Give a table of zeros and ones as an array."
            )
    return [frozenset(chosen) for chosen in found]


def read_columns(labels: Any) -> range:
    """Return the numbers of a table's columns: of an array, a sparse one, or a data frame.

    There are none of what is no table.

    >>> read_columns(np.zeros((4, 3))), read_columns([("late", "cold"), ()])
    (range(0, 3), range(0, 0))
    """
    return range(labels.shape[1] if getattr(labels, "ndim", 1) == 2 else 0)


def _read_table(labels: Any) -> npt.NDArray[Any]:
    found = np.asarray(labels.toarray() if hasattr(labels, "toarray") else labels)
    if not np.isin(found, (0, 1)).all():
        raise ValueError("Received a table of labels with other numbers; expected zeros and ones")
    return found


def read_names(label_names: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]]:
    """Return what each label is called; raise `ValueError` if that is no list of texts for each."""
    if not isinstance(label_names, Mapping | None):
        raise ValueError(  # noqa: TRY004 - as `read_texts`
            f"Received {type(label_names).__name__} as label_names; expected a mapping from each "
            "label to a list of what it is called, as {'ham': ['ham', 'no spam']}"
        )
    return {label: _to_texts(names, "names") for label, names in (label_names or {}).items()}


def read_weights(
    weights: npt.ArrayLike | None, *, n_texts: int, n_labels: int
) -> npt.NDArray[np.float64]:
    """Return how often each text counts, shape (n_texts,), float64; of None, each counts once.

    Raises
    ------
    ValueError
        If there is not one label for each text, and one finite weight, at least 0.
    """
    found = np.ones(n_texts) if weights is None else np.asarray(weights, np.float64)
    if n_labels != n_texts or found.shape != (n_texts,):
        message = f"{n_texts} texts, {n_labels} labels, weights of shape {found.shape}"
        raise ValueError(f"Received {message}; expected one label and one weight for each text")
    if not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError("Received a weight below 0 or not finite; expected none")
    if not ((found == 0) | (found >= _LEAST_WEIGHT) & (found <= _MOST_WEIGHT)).all():
        raise ValueError(
            f"Received weights of up to {found.max():g}, and down to {found[found > 0].min():g}; "
            f"expected 0, or {_LEAST_WEIGHT:g} to {_MOST_WEIGHT:g}"
        )
    return found


def to_array(labels: Iterable[Any]) -> npt.NDArray[Any]:
    """Return labels as an array: numbers as numbers, texts as objects.

    An array of texts would lose the NUL that one ends with, and one of numbers the last digits of
    very large ones: those are objects, too.
    """
    found = list(labels)
    array = np.array(found, object if any(isinstance(label, str) for label in found) else None)
    return array if array.tolist() == found else np.array(found, object)


def _to_texts(values: Iterable[str], what: str) -> list[str]:
    found = values if type(values) is list else _to_list(values, what)
    if not _ONLY_TEXTS.issuperset(map(type, found)):
        for position, text in enumerate(found):
            if not isinstance(text, str):
                raise ValueError(  # noqa: TRY004 - as scikit-learn's vectorizers
                    f"Received {type(text).__name__} ({text!r:.50}) at position {position} of the "
                    f"{what}; expected str. Write missing ones as '', or leave them out."
                )
    return found


def _to_list(values: Iterable[Any], what: str) -> list[Any]:
    dimensions = getattr(values, "ndim", 1)
    is_list = hasattr(values, "__iter__") and not isinstance(values, str | bytes)
    if not is_list or dimensions != 1:
        received = f"{dimensions} dimensions" if dimensions != 1 else type(values).__name__
        raise ValueError(f"Received {received} as {what}; expected a list of them, or a column")
    found: list[Any] = values.tolist() if hasattr(values, "tolist") else list(values)
    return found
