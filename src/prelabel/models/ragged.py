"""Arrays whose rows have different lengths, one row after the other."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Integers, Numbers

Number = TypeVar("Number", bound=np.number)


def find_ends(sizes: Integers | Numbers) -> Integers:
    """Where rows of these sizes begin, and where the last one ends; shape (rows + 1,)."""
    ends = np.zeros(len(sizes) + 1, np.int64)
    sizes.cumsum(out=ends[1:])
    return ends


def find_edges(values: npt.NDArray[np.integer]) -> Integers:
    """Return where each value begins that is not the one before it, and where the last one ends."""
    is_edge = np.empty(len(values) + 1, np.bool_)
    is_edge[0] = is_edge[-1] = True
    np.not_equal(values[1:], values[:-1], out=is_edge[1:-1])
    return is_edge.nonzero()[0]


def find_places(first: Integers | Numbers, sizes: Integers | Numbers) -> tuple[Integers, Integers]:
    """Where the values of some rows are, and where each row begins among these.

    Parameters
    ----------
    first
        Where each row begins.
    """
    begins = find_ends(sizes)
    return np.arange(begins[-1]) + (first - begins[:-1]).repeat(sizes), begins


def sum_rows(values: npt.NDArray[Number], starts: Integers) -> npt.NDArray[Number]:
    """Sum ``values[starts[i]:starts[i + 1]]`` for each ``i``; along the first axis."""
    sums = np.zeros((len(starts) - 1, *values.shape[1:]), values.dtype)
    (filled,) = (starts[1:] > starts[:-1]).nonzero()  # reduceat takes an empty row for the next
    if len(filled):
        sums[filled] = np.add.reduceat(values, starts[filled], axis=0)
    return sums
