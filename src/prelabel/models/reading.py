"""Texts as tokens, what white space separates, and as the columns of their words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Integers
from prelabel.models.characters import (
    SPACE,
    WORD,
    Classes,
    Hashes,
    find_bounds,
    find_runs,
    find_stretches,
    hash_runs,
    pad_runs,
    read_characters,
    sum_up,
)
from prelabel.models.ngrams import hash_characters, hash_words
from prelabel.models.token_memory import MEMORY
from prelabel.models.tokens import Tokens

_REMEMBERED_CHARACTERS = 500_000  # of 50,000 tokens of newsgroups, which take 18 MB


class Reading(NamedTuple):
    """A chunk of texts.

    Attributes
    ----------
    tokens
        What the numbers of tokens stand for.
    ids, starts
        Text ``i`` consists of the tokens ``ids[starts[i]:starts[i + 1]]``; shapes (occurrences,)
        and (texts + 1,).
    words
        ``text << shift | column`` of each word and pair of words that is kept, in no order, one
        an occurrence.
    """

    tokens: Tokens
    ids: Integers
    starts: Integers
    words: Integers


class TokenReader:
    """Reads texts, remembering their tokens. Safe to share between threads.

    Parameters
    ----------
    find
        Gives the columns of n-grams by their hashes; -1 for those not kept.
    n_words
        How many columns are words or pairs of words; those of characters come after them.
    weights
        Of the n-grams of characters.

    Attributes
    ----------
    shift
        Bits that any column has room in.
    used_at_seconds
        When it last read, on the monotonic clock.
    """

    def __init__(
        self, find: Callable[[Hashes], Integers], n_words: int, weights: npt.NDArray[np.float32]
    ) -> None:
        self._find = find
        self._n_words = n_words
        self._weights = weights
        self.shift = (n_words + len(weights)).bit_length()
        self._known = Tokens()
        self._learning = threading.Lock()
        self.used_at_seconds = 0.0
        MEMORY.join(self)

    @property
    def n_bytes(self) -> int:
        """Memory that is taken by what is remembered."""
        return self._known.n_bytes

    def read(self, chunk: Sequence[str]) -> Reading:
        """Read a chunk of `in_chunks`."""
        self.used_at_seconds = time.monotonic()
        values, classes = read_characters(chunk)
        sums, is_token = sum_up(values), classes != SPACE
        starts, stops = find_stretches(is_token)
        hashes = hash_runs(sums, starts, stops)
        known = self._known
        ids = known.numbers.find(hashes)
        if ids.min(initial=0) < 0:
            known, ids = self._learn(values, starts, stops, hashes)
        if len(chunk) == 1:
            return Reading(known, ids, np.array([0, len(ids)]), self._read_words(sums, classes))
        bounds = find_bounds(chunk)
        words = self._read_words(sums, classes, bounds)
        return Reading(known, ids, starts.searchsorted(bounds), words)

    def forget(self) -> None:
        """Free what is remembered; who is reading keeps it until then."""
        with self._learning:
            self._known = Tokens()

    def _read_words(
        self, sums: Hashes, classes: Classes, bounds: Integers | None = None
    ) -> Integers:
        starts, stops = find_runs(classes >= WORD, classes == WORD)
        words, pairs = hash_words(hash_runs(sums, starts, stops))
        columns = self._find(np.concatenate((words, pairs)))
        if bounds is None:  # all are of one text
            columns = columns[columns >= 0]
            columns.sort()
            return columns
        counts = np.diff(starts.searchsorted(bounds))
        rows = (np.arange(len(counts)) << self.shift).repeat(counts)
        columns[len(words) :][rows[1:] != rows[:-1]] = -1
        keys: Integers = np.concatenate((rows, rows[1:])) | columns
        return keys[columns >= 0]

    def _learn(
        self, values: Hashes, starts: Integers, stops: Integers, hashes: Hashes
    ) -> tuple[Tokens, Integers]:
        """Return what is known, these tokens among it, and their numbers."""
        with self._learning:
            if self._known.n_characters > _REMEMBERED_CHARACTERS:
                self._known = Tokens()  # who is reading keeps the one before
            ids = self._known.numbers.find(hashes)
            (missing,) = (ids < 0).nonzero()
            new, first, inverse = np.unique(hashes[missing], return_index=True, return_inverse=True)
            at = missing[first]
            known, n_bytes = self._known, self._known.n_bytes
            ids[missing] = self._add(new, values, starts[at], stops[at])[inverse]
        if known.n_bytes > n_bytes:
            MEMORY.keep_below()
        return known, ids

    def _add(self, hashes: Hashes, values: Hashes, starts: Integers, stops: Integers) -> Integers:
        padded, _, begins = pad_runs(values, starts, stops)
        characters, starts = hash_characters(padded, begins)
        columns = self._find(characters)
        shift = len(self._weights).bit_length()
        rows = (np.arange(len(hashes)) << shift).repeat(np.diff(starts))
        keys, counts = count_keys((rows | (columns - self._n_words))[columns >= 0])
        found = keys & ((1 << shift) - 1)
        return self._known.add(
            hashes,
            columns=found,
            weights=dampen(counts) * self._weights[found],
            starts=keys.searchsorted(np.arange(len(hashes) + 1) << shift),
            n_characters=len(padded),
        )


def count_keys(keys: Integers) -> tuple[Integers, npt.NDArray[np.float32]]:
    """Distinct keys, ascending, and how often each occurs. What is given is put in order."""
    keys.sort(kind="stable")  # made for what is nearly in order: two to three times as fast
    is_first = np.empty(len(keys) + 1, np.bool_)
    is_first[0] = is_first[-1] = True
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:-1])
    (first,) = is_first.nonzero()
    return keys[first[:-1]], (first[1:] - first[:-1]).astype(np.float32)


def dampen(counts: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Weigh an n-gram by how often it occurs in a text: twice is not worth two."""
    weights: npt.NDArray[np.float32] = np.log(counts)
    weights += np.float32(1)
    return weights
