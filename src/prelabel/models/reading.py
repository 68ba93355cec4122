"""Texts as tokens, what white space separates, and as the columns of their words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence, Set
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from prelabel.models.characters import Hashes, Integers
from prelabel.models.ngrams import Counts, hash_pairs, read_tokens
from prelabel.models.tokens import Positions, Tokens

_REMEMBERED_CHARACTERS = 500_000  # of 55,000 tokens of newsgroups, which take 19 MB


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
    ids: Positions
    starts: Positions
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
    """

    def __init__(
        self, find: Callable[[Hashes], Integers], n_words: int, weights: npt.NDArray[np.float32]
    ) -> None:
        self._find = find
        self._n_words = n_words
        self._weights = weights
        self._known = Tokens()
        self._learning = threading.Lock()

    def read(self, chunk: Sequence[str], shift: int) -> Reading:
        """Read a chunk of `in_chunks`; there are at most ``1 << shift`` columns."""
        split = [text.split() for text in chunk]
        lengths = [len(tokens) for tokens in split]
        known = self._known
        try:
            ids = _look_up(known, split, sum(lengths))
        except KeyError:
            known = self._learn(set().union(*split))
            ids = _look_up(known, split, sum(lengths))
        rows = (np.arange(len(chunk)) << shift).repeat(lengths)
        columns, counts = known.words_of(ids)
        words = np.concatenate((rows.repeat(counts) | columns, self._pairs(known, ids, rows)))
        return Reading(known, ids, np.cumsum([0, *lengths], dtype=np.int32), words)

    def _pairs(self, known: Tokens, ids: Positions, rows: Integers) -> Integers:
        """Pairs of the last word of a token and the first of the next that has one."""
        has_words = known.has_words.values[ids]
        ids, rows = ids[has_words], rows[has_words]
        edges = known.edges.values[ids]
        columns = self._find(hash_pairs(edges[:-1, 1], edges[1:, 0]))
        is_pair = (columns >= 0) & (rows[:-1] == rows[1:])
        pairs: Integers = (rows[1:] | columns)[is_pair]
        return pairs

    def _learn(self, tokens: Set[str]) -> Tokens:
        """Return what is known, these tokens among it."""
        with self._learning:
            if self._known.n_characters > _REMEMBERED_CHARACTERS:
                self._known = Tokens()  # who is reading keeps the one before
            self._add(self._known, [token for token in tokens if token not in self._known.numbers])
            return self._known

    def _add(self, known: Tokens, tokens: Sequence[str]) -> None:
        ngrams = read_tokens(tokens)
        columns = self._find(np.concatenate((ngrams.words, ngrams.characters)))
        words, characters = np.split(columns, [len(ngrams.words)])
        known.add(
            tokens,
            edges=ngrams.edges,
            has_words=ngrams.has_words,
            words=words[words >= 0],
            word_starts=np.concatenate(([0], np.cumsum(words >= 0)))[ngrams.word_starts],
            vectors=self._weigh(characters, ngrams.character_starts),
        )

    def _weigh(self, columns: Integers, starts: Integers) -> Counts:
        """Vectors of tokens over the n-grams of characters; ``columns`` are -1 where unknown."""
        n_tokens, n_columns = len(starts) - 1, len(self._weights)
        shift = n_columns.bit_length()
        rows = (np.arange(n_tokens) << shift).repeat(np.diff(starts))
        keys, counts = count_keys((rows | (columns - self._n_words))[columns >= 0])
        found = keys & ((1 << shift) - 1)
        weights = (np.log(counts) + np.float32(1)) * self._weights[found]
        ends = keys.searchsorted(np.arange(n_tokens + 1) << shift)
        parts = (weights, found.astype(np.int32), ends.astype(np.int32))
        return sparse.csr_matrix(parts, shape=(n_tokens, n_columns))


def count_keys(keys: Integers) -> tuple[Integers, npt.NDArray[np.float32]]:
    """Distinct keys, ascending, and how often each occurs. What is given is put in order."""
    keys.sort()
    is_first = np.ones(len(keys) + 1, np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:-1])
    first = np.flatnonzero(is_first)
    return keys[first[:-1]], (first[1:] - first[:-1]).astype(np.float32)


def _look_up(known: Tokens, split: Sequence[Sequence[str]], n: int) -> Positions:
    """Numbers of the tokens of all texts; raise `KeyError` if a token is new."""
    numbers = map(known.numbers.__getitem__, chain.from_iterable(split))
    return np.fromiter(numbers, np.int32, n)
