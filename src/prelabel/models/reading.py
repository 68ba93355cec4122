"""Reads texts: as tokens, what white space separates, and as the columns of their words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from prelabel.models.arrays import Integers, Matrix, Numbers
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
from prelabel.models.reading_memory import MEMORY
from prelabel.models.rows import (
    Row,
    Rows,
    find_edges,
    scale_factors,
    scale_one,
    scale_rows,
    weigh,
)
from prelabel.models.tokens import Tokens, sum_rows

_REMEMBERED_CHARACTERS = 500_000  # of 50,000 tokens of newsgroups, which take 18 MB

_MANY_TOKENS = 20
"""Of more new tokens in one text, those of the next texts are among them."""

# What is read more before it is seen whether others must forget: little beside the limit, although
# there may be hundreds of readers.
_STEP_CHARACTERS, _STEP_BYTES = 2_000, 2**16


class TextReader:
    """Reads texts, remembering their tokens, and texts as a whole. Safe to share between threads.

    Parameters
    ----------
    find
        Gives the columns of n-grams by their hashes; -1 for those not kept.
    n_words
        How many columns are words or pairs of words; those of characters come after them.
    weights
        Of the n-grams.

    Attributes
    ----------
    used_at_seconds
        When it last read, on the monotonic clock.
    """

    def __init__(self, find: Callable[[Hashes], Numbers], n_words: int, weights: Matrix) -> None:
        self._find = find
        self._n_words = n_words
        self._weights = weights
        self._shift = len(weights).bit_length()  # bits that any column has room in
        self._known = Tokens()
        self._learning = threading.Lock()
        self.used_at_seconds = 0.0
        MEMORY.join(self)

    @property
    def n_bytes(self) -> int:
        """Memory that is taken by what is remembered."""
        return self._known.n_bytes

    def recall(self, texts: Sequence[str]) -> tuple[Tokens, list[Row]]:
        """Read texts as they came, at most as many as `cut` gives at once.

        What was read before, and is not forgotten, is not read again: Label Studio asks for the
        same tasks after each new version.
        """
        self.used_at_seconds = time.monotonic()
        known = self._known
        rows = known.texts.find(texts)
        new = [text for text, row in zip(texts, rows, strict=True) if row is None]
        if not new:
            return known, cast("list[Row]", rows)
        tokens, found = self._read_new(new)
        if len(new) == len(texts):
            return tokens, found
        if tokens is not known:  # tokens were forgotten meanwhile: they have other numbers now
            return self._read_new(texts)
        rest = iter(found)
        return known, [row or next(rest) for row in rows]

    def _read_new(self, texts: Sequence[str]) -> tuple[Tokens, list[Row]]:
        chunk = [text.lower() for text in texts]
        if len(chunk) == 1:
            tokens, row = self._read_one(chunk)
            rows = [row]
        else:
            tokens, several = self.read(chunk)
            rows = several.split()
        with self._learning:
            before, now = tokens.texts.add(texts, rows)
        if _is_news(before, now, _STEP_BYTES):
            MEMORY.keep_below()
        return tokens, rows

    def read(self, chunk: Sequence[str]) -> tuple[Tokens, Rows]:
        """Read a chunk of `in_chunks`, remembering its tokens."""
        self.used_at_seconds = time.monotonic()
        values, classes = read_characters(chunk)
        sums, bounds = sum_up(values), find_bounds(chunk)
        places = find_stretches(classes != SPACE)
        tokens, ids = self._find_tokens(values, *places, hash_runs(sums, *places))
        starts = places[0].searchsorted(bounds)
        keys = self._read_words(sums, classes, bounds)
        columns, weights, column_starts = weigh(keys, self._shift, len(chunk), self._weights)
        weights *= scale_rows(weights, column_starts).repeat(np.diff(column_starts))
        squares = sum_rows(tokens.squares.values.take(ids), starts)
        return tokens, Rows(ids, starts, scale_factors(squares), columns, weights, column_starts)

    def _read_one(self, chunk: Sequence[str]) -> tuple[Tokens, Row]:
        """Do as `read` for one text; of a few new tokens only what they add to it is found out.

        To remember them costs three times as much.
        """
        values, classes = read_characters(chunk)
        sums = sum_up(values)
        starts, stops = find_stretches(classes != SPACE)
        hashes = hash_runs(sums, starts, stops)
        tokens = self._known
        ids = tokens.numbers.find(hashes)
        (new,) = (ids < 0).nonzero()
        if len(new) > _MANY_TOKENS:
            tokens, ids = self._find_tokens(values, starts, stops, hashes)
            new = new[:0]
        parts = hash_words(hash_runs(sums, *find_runs(classes >= WORD, classes == WORD)))
        ngrams, keys = np.concatenate(parts), np.zeros(len(parts[0]) + len(parts[1]), np.int64)
        if len(new):  # words are row 0, each new token a row behind it
            characters, rows = self._hash_tokens(values, starts[new], stops[new])
            ngrams = np.concatenate((ngrams, characters))
            keys = np.concatenate((keys, rows + (1 << self._shift)))
        columns = self._find(ngrams)
        keys |= columns
        columns, weights, begins = weigh(keys[columns >= 0], self._shift, 1, self._weights)
        ids = ids[ids >= 0]
        square = float(tokens.squares.values.take(ids).sum())
        return tokens, Row(ids, scale_one(weights, int(begins[1]), square), columns, weights)

    def forget(self) -> None:
        """Free what is remembered; who is reading keeps it until then."""
        with self._learning:
            self._known = Tokens()

    def _find_tokens(
        self, values: Hashes, starts: Integers, stops: Integers, hashes: Hashes
    ) -> tuple[Tokens, Numbers]:
        """Return what is known of tokens, these among them, and their numbers."""
        known = self._known
        ids = known.numbers.find(hashes)
        if ids.min(initial=0) < 0:
            return self._learn(values, starts, stops, hashes)
        return known, ids

    def _read_words(self, sums: Hashes, classes: Classes, bounds: Integers) -> Integers:
        """Return ``text << shift | column`` of each word and pair that is kept, in no order."""
        starts, stops = find_runs(classes >= WORD, classes == WORD)
        columns = self._find_words(sums, starts, stops)
        counts = np.diff(starts.searchsorted(bounds))
        rows = (np.arange(len(counts)) << self._shift).repeat(counts)
        columns[len(rows) :][rows[1:] != rows[:-1]] = -1
        keys: Integers = np.concatenate((rows, rows[1:])) | columns
        return keys[columns >= 0]

    def _find_words(self, sums: Hashes, starts: Integers, stops: Integers) -> Numbers:
        """Columns of words, then of pairs of neighbours; -1 for those not kept."""
        return self._find(np.concatenate(hash_words(hash_runs(sums, starts, stops))))

    def _learn(
        self, values: Hashes, starts: Integers, stops: Integers, hashes: Hashes
    ) -> tuple[Tokens, Numbers]:
        with self._learning:
            if self._known.n_characters > _REMEMBERED_CHARACTERS:
                self._known = Tokens()  # who is reading keeps the one before
            known, before = self._known, self._known.n_characters
            ids = known.numbers.find(hashes)
            (missing,) = (ids < 0).nonzero()
            order = missing[hashes[missing].argsort(kind="stable")]
            edges = find_edges(hashes[order])
            at = order[edges[:-1]]
            numbers = self._add(hashes[at], values, starts[at], stops[at])
            ids[order] = numbers.repeat(edges[1:] - edges[:-1])
        if _is_news(before, known.n_characters, _STEP_CHARACTERS):
            MEMORY.keep_below()
        return known, ids

    def _add(self, hashes: Hashes, values: Hashes, starts: Integers, stops: Integers) -> Numbers:
        characters, rows = self._hash_tokens(values, starts, stops)
        columns = self._find(characters)
        keys = (rows | columns)[columns >= 0]
        columns, weights, begins = weigh(keys, self._shift, len(hashes), self._weights)
        return self._known.add(
            hashes,
            columns=columns - np.int32(self._n_words),
            weights=weights,
            starts=begins,
            n_characters=int((stops - starts + 2).sum()),  # with the spaces around each
        )

    def _hash_tokens(
        self, values: Hashes, starts: Integers, stops: Integers
    ) -> tuple[Hashes, Integers]:
        """Hash the n-grams of characters in tokens; return with each ``token << shift``."""
        padded, _, begins = pad_runs(values, starts, stops)
        characters, begins = hash_characters(padded, begins)
        rows = np.arange(len(starts)) << self._shift
        return characters, rows.repeat(begins[1:] - begins[:-1])


def _is_news(before: int, now: int, step: int) -> bool:
    """Whether so much more is taken that others may have to forget: a step, or anything at all."""
    return not before or before // step != now // step
