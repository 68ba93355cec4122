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
    CharacterClasses,
    Hashes,
    find_bounds,
    find_runs,
    find_stretches,
    hash_runs,
    read_characters,
    space_runs,
    sum_up,
)
from prelabel.models.ngrams import hash_characters, hash_words, lower
from prelabel.models.ragged import find_edges, sum_rows
from prelabel.models.reading_memory import MEMORY
from prelabel.models.rows import (
    Row,
    Rows,
    keep_once,
    scale_factors,
    scale_one,
    scale_rows,
    weigh,
    weigh_keys,
)
from prelabel.models.tokens import Tokens

_REMEMBERED_CHARACTERS = 500_000  # of 50,000 tokens of newsgroups, which take 18 MB

_MANY_TOKENS = 20
"""Of more new tokens in one text, those of the next texts are among them."""


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

    def recall(self, texts: Sequence[str]) -> tuple[Tokens, Rows]:
        """Read texts as they came, at most as many as `cut` gives at once.

        What was read before, and is not forgotten, is not read again: Label Studio asks for the
        same tasks after each new version.
        """
        self.used_at_seconds = time.monotonic()
        known = self._settle()
        numbers = known.texts.find(texts)
        new = [text for text, number in zip(texts, numbers, strict=True) if number is None]
        if 0 < len(new) < len(texts) and self._read_new(new)[0] is known:
            numbers = known.texts.find(texts)
        if None in numbers:  # or there was no room, or all tokens were forgotten meanwhile
            return self._read_new(texts)
        return known, known.texts.read(cast("list[int]", numbers))

    def recall_one(self, text: str) -> tuple[Tokens, Row]:
        """Do as `recall` for one text, with half of the calls: they are what it costs."""
        self.used_at_seconds = time.monotonic()
        known = self._known
        row = known.texts.read_one(text)
        if row is not None:
            return known, row
        tokens, row = self._read_one(lower(text))
        with self._learning:
            takes_more = tokens.texts.add_one(text, row)
        if takes_more:
            MEMORY.keep_below()
        return tokens, row

    def _settle(self) -> Tokens:
        with self._learning:
            takes_more = self._known.texts.settle()
        if takes_more:
            MEMORY.keep_below()
        return self._known

    def _read_new(self, texts: Sequence[str]) -> tuple[Tokens, Rows]:
        tokens, rows = self.read([*map(lower, texts)])
        with self._learning:
            takes_more = tokens.texts.add(texts, rows)
        if takes_more:
            MEMORY.keep_below()
        return tokens, rows

    def read(self, chunk: Sequence[str]) -> tuple[Tokens, Rows]:
        """Read a chunk of `in_chunks`, remembering its tokens."""
        self.used_at_seconds = time.monotonic()
        values, classes = read_characters(chunk)
        sums, bounds = sum_up(values), find_bounds(chunk)
        places = find_stretches(classes != SPACE)
        tokens, ids = self._find_tokens(values, *places, hash_runs(sums, *places))
        ids, starts = keep_once(ids, places[0].searchsorted(bounds))
        keys = self._read_words(sums, classes, bounds)
        columns, weights, column_starts = weigh(keys, self._shift, len(chunk), self._weights)
        weights *= scale_rows(weights, column_starts).repeat(np.diff(column_starts))
        squares = sum_rows(tokens.squares.values.take(ids), starts)
        return tokens, Rows(ids, starts, scale_factors(squares), columns, weights, column_starts)

    def _read_one(self, text: str) -> tuple[Tokens, Row]:
        """Do as `read` for one text; of a few new tokens only what they add to it is found out.

        To remember them costs three times as much.
        """
        values, classes = read_characters([text])
        sums = sum_up(values)
        starts, stops = find_stretches(classes != SPACE)
        hashes = hash_runs(sums, starts, stops)
        tokens = self._known
        ids = tokens.numbers.find(hashes)
        (new,) = (ids < 0).nonzero()
        if len(new) > _MANY_TOKENS:
            tokens, ids = self._find_tokens(values, starts, stops, hashes)
            new = new[:0]
        elif len(new) > len({*hashes[new].tolist()}):  # one stands there twice, which is seldom
            new = new[np.unique(hashes[new], return_index=True)[1]]
        parts = hash_words(hash_runs(sums, *find_runs(classes >= WORD, classes == WORD)))
        ngrams, keys = np.concatenate(parts), np.zeros(len(parts[0]) + len(parts[1]), np.int64)
        if len(new):  # words are row 0, each new token a row behind it
            characters, rows = self._hash_tokens(values, starts[new], stops[new])
            ngrams = np.concatenate((ngrams, characters))
            keys = np.concatenate((keys, rows + (1 << self._shift)))
            ids = ids[ids >= 0]
        ids = np.array([*dict.fromkeys(ids.tolist())], np.int32)
        columns = self._find(ngrams)
        keys |= columns
        keys, columns, weights = weigh_keys(keys[columns >= 0], self._shift, self._weights)
        n_words = int(keys.searchsorted(1 << self._shift))
        square = float(tokens.squares.values.take(ids).sum())
        return tokens, Row(ids, scale_one(weights, n_words, square), columns, weights)

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

    def _read_words(self, sums: Hashes, classes: CharacterClasses, bounds: Integers) -> Integers:
        """Return ``text << shift | column`` of each word and pair that is kept, in no order."""
        starts, stops = find_runs(classes >= WORD, classes == WORD)
        columns = self._find(np.concatenate(hash_words(hash_runs(sums, starts, stops))))
        counts = np.diff(starts.searchsorted(bounds))
        rows = (np.arange(len(counts)) << self._shift).repeat(counts)
        columns[len(rows) :][rows[1:] != rows[:-1]] = -1
        keys: Integers = np.concatenate((rows, rows[1:])) | columns
        return keys[columns >= 0]

    def _learn(
        self, values: Hashes, starts: Integers, stops: Integers, hashes: Hashes
    ) -> tuple[Tokens, Numbers]:
        with self._learning:
            if self._known.n_characters > _REMEMBERED_CHARACTERS:
                self._known = Tokens()  # who is reading keeps the one before
            known, n_bytes = self._known, self._known.token_bytes
            ids = known.numbers.find(hashes)
            (missing,) = (ids < 0).nonzero()
            if not len(missing):  # another thread has learned them
                return known, ids
            order = missing[hashes[missing].argsort()]
            edges = find_edges(hashes[order])
            at = order[edges[:-1]]
            numbers = self._add(hashes[at], values, starts[at], stops[at])
            ids[order] = numbers.repeat(edges[1:] - edges[:-1])
        if known.token_bytes > n_bytes:
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
        spaced, sizes = space_runs(values, starts, stops)
        hashes = hash_characters(spaced)
        rows = np.arange(len(starts)) << self._shift
        return hashes.ravel(), rows.repeat(sizes * hashes.shape[1])
