"""Texts that were read before."""

from __future__ import annotations

from collections.abc import Sequence
from sys import getsizeof

import numpy as np

from prelabel.models.growing import Growing
from prelabel.models.ragged import find_places
from prelabel.models.rows import Row, Rows, join

_ENTRY_BYTES = 130  # of a dictionary, which has room for more, and a number

_WAITING_BYTES = 500  # of the objects that a text is while it waits, beside its numbers

_FEW_BYTES = 2**16  # of texts that wait: 50 of fifty words


class RememberedTexts:
    """What was read of texts: of as many as there is room for, the first ones.

    Texts that came one by one wait until there are enough of them: to add one to the arrays costs
    a tenth of reading it, and to add fifty hardly more.

    Threads may share it: one adds while others read.

    Parameters
    ----------
    most_bytes
        The room. Texts that are asked for in turn, as all tasks of a project are, would not be
        found again if later ones took the place of the first.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._numbers: dict[str, int] = {}
        self._text_bytes = 0
        self._waiting: dict[str, Row] = {}
        self._waiting_bytes = 0
        self._ids, self._columns = Growing(np.int32), Growing(np.int32)
        self._weights, self._scales = Growing(np.float32), Growing(np.float32)
        self._starts, self._column_starts = Growing(np.int64), Growing(np.int64)
        for starts in (self._starts, self._column_starts):
            starts.extend(np.zeros(1))

    @property
    def n_bytes(self) -> int:
        """Memory that is taken; none while there are no texts."""
        of_arrays = self._text_bytes + self._room_bytes if self._numbers else 0
        return of_arrays + self._waiting_bytes

    @property
    def _room_bytes(self) -> int:
        of_columns = self._columns.n_bytes + self._weights.n_bytes + self._column_starts.n_bytes
        return of_columns + self._ids.n_bytes + self._scales.n_bytes + self._starts.n_bytes

    def find(self, texts: Sequence[str]) -> list[int | None]:
        """Return the number of each text; None of those that are not remembered, or wait."""
        return [*map(self._numbers.get, texts)]

    def read(self, numbers: Sequence[int]) -> Rows:
        """Return texts, given by what `find` returned; at least one."""
        at = np.array(numbers)
        first, begin = self._starts.values, self._column_starts.values
        of_ids, starts = find_places(first[at], first[at + 1] - first[at])
        of_columns, column_starts = find_places(begin[at], begin[at + 1] - begin[at])
        return Rows(
            ids=self._ids.values.take(of_ids),
            starts=starts,
            scales=self._scales.values.take(at),
            columns=self._columns.values.take(of_columns),
            weights=self._weights.values.take(of_columns),
            column_starts=column_starts,
        )

    def read_one(self, text: str) -> Row | None:
        """Return a text, without copying, whether it waits or not; None if not remembered."""
        waiting = self._waiting  # first: what no longer waits there has its number
        number = self._numbers.get(text)
        if number is None:
            return waiting.get(text)
        starts = self._starts.values[number : number + 2]
        column_starts = self._column_starts.values[number : number + 2]
        ids, columns = slice(*starts.tolist()), slice(*column_starts.tolist())
        return Row(
            ids=self._ids.values[ids],
            scale=self._scales.values[number],
            columns=self._columns.values[columns],
            weights=self._weights.values[columns],
        )

    def add(self, texts: Sequence[str], rows: Rows) -> bool:
        """Remember texts, if there is room; return whether arrays have grown for them."""
        n, before = len(self._scales.values), self._room_bytes
        if before + self._text_bytes > self._most_bytes:
            return False
        self._ids.extend(rows.ids)
        self._columns.extend(rows.columns)
        self._weights.extend(rows.weights)
        self._scales.extend(rows.scales)
        self._starts.extend(rows.starts[1:] + self._starts.values[-1])
        self._column_starts.extend(rows.column_starts[1:] + self._column_starts.values[-1])
        # At the end, so that all about a text that is found is there.
        self._numbers.update(zip(texts, range(n, n + len(texts)), strict=True))
        self._text_bytes += sum(getsizeof(text) + _ENTRY_BYTES for text in {*texts})
        return not n or self._room_bytes > before

    def add_one(self, text: str, row: Row) -> bool:
        """Remember one text, which may wait; return whether much more memory may be taken."""
        is_first = not self._waiting
        self._waiting[text] = row
        n_numbers = len(row.ids) + len(row.columns) + len(row.weights)
        self._waiting_bytes += 4 * n_numbers + getsizeof(text) + _ENTRY_BYTES + _WAITING_BYTES
        if self._waiting_bytes > _FEW_BYTES:
            self.settle()
        return is_first

    def settle(self) -> bool:
        """Add the texts that wait; return whether there were any."""
        if not self._waiting:
            return False
        self.add([*self._waiting], join([*self._waiting.values()]))
        self._waiting, self._waiting_bytes = {}, 0
        return True
