"""Trees: which paths are chosen, where what stands above a label applies, too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from prelabel.label_config import ControlTag, find_above

_Marks = npt.NDArray[np.bool_]
_Columns = tuple[tuple[int, ...], ...]


def put_below(classes: Sequence[str], rows: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return probabilities, shape (texts, classes), of which none exceeds what is above it."""
    found = rows.copy()
    for column, above in enumerate(_find_columns(tuple(classes))):
        for other in above:
            found[:, column] = np.minimum(found[:, column], rows[:, other])
    return found


def choose_paths(
    control: ControlTag,
    classes: Sequence[str],
    rows: npt.NDArray[np.floating],
    chosen: _Marks,
    ends: _Marks,
) -> _Marks:
    """Return what is chosen of each text as whole paths, all shapes (texts, classes).

    Of more than may be chosen, the most probable are. Where paths end at leaves only, what has
    no chosen leaf is left out.

    Parameters
    ----------
    rows
        Probabilities, none above those of what is above it.
    chosen
        What is probable enough.
    ends
        Where the text's own task lets paths end. If none is chosen, and one must be, the most
        probable is.
    """
    above = _find_columns(tuple(classes))
    found = np.zeros_like(chosen)
    for place, row in enumerate(rows):
        columns = np.flatnonzero(chosen[place]).tolist()
        inner = {other for column in columns for other in above[column]}
        paths = [column for column in columns if column not in inner and ends[place, column]]
        if not paths and not control.may_be_empty and ends[place].any():
            paths = [int(np.where(ends[place], row, -1).argmax())]
        for column in sorted(paths, key=lambda i: -row[i])[: control.most_paths]:
            found[place, [column, *above[column]]] = True
    return found


@lru_cache(maxsize=32)
def _find_columns(classes: tuple[str, ...]) -> _Columns:
    """Return the columns of what is above each label."""
    column = {label: i for i, label in enumerate(classes)}
    return tuple(
        tuple(column[other] for other in find_above(label) if other in column) for label in classes
    )
