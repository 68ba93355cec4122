"""Texts as the columns of their n-grams. A token, what white space separates, is read once."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from prelabel.models.characters import Hashes, Integers
from prelabel.models.ngrams import hash_pairs, read_tokens

_REMEMBERED_CHARACTERS = 1_000_000  # of some 150,000 tokens, which take 50 MB

Columns: TypeAlias = npt.NDArray[np.int32]
Keys: TypeAlias = "npt.NDArray[np.unsignedinteger[Any]]"


@dataclass(slots=True)
class _Known:
    """Tokens seen so far.

    Attributes
    ----------
    codes
        By token: the columns of its n-grams; then, if it has words, ``~i``, which no column is.
    edges
        Row ``i`` hashes the first and the last word of such a token.
    """

    codes: dict[str, bytes] = field(default_factory=dict)
    edges: Hashes = field(default_factory=lambda: np.empty((0, 2), np.uint64))
    n_edges: int = 0
    n_characters: int = 0


class TokenReader:
    """Finds the columns of n-grams, remembering those inside each token.

    Most tokens of a text stood in texts before it. Safe to share between threads.

    Parameters
    ----------
    find
        Gives the columns of n-grams by their hashes; -1 for those not kept.
    """

    def __init__(self, find: Callable[[Hashes], Integers]) -> None:
        self._find = find
        self._known = _Known()
        self._learning = threading.Lock()

    def read(self, chunk: Sequence[str], shift: int, dtype: type[np.unsignedinteger[Any]]) -> Keys:
        """Where the n-grams of a chunk of `in_chunks` occur: ``text << shift | column``.

        One key an occurrence, in no order; texts are counted from 0.
        """
        tokens = [text.split() for text in chunk]
        known = self._known
        try:
            parts = _look_up(known, tokens)
        except KeyError:
            known = self._learn(set().union(*tokens))
            parts = _look_up(known, tokens)
        codes = np.frombuffer(b"".join(parts), np.int32)
        lengths = [len(part) // codes.itemsize for part in parts]
        rows = np.repeat(np.arange(len(parts), dtype=dtype) << shift, lengths)
        is_column = codes >= 0
        at = np.flatnonzero(~is_column)
        edges, rows_of_edges = known.edges[~codes[at]], rows[at]
        pairs = self._find(hash_pairs(edges[:-1, 1], edges[1:, 0]))
        found = np.flatnonzero((pairs >= 0) & (rows_of_edges[:-1] == rows_of_edges[1:]))
        inside = (rows | codes.astype(dtype))[is_column]
        return np.concatenate((inside, rows_of_edges[found] | pairs[found].astype(dtype)))

    def _learn(self, tokens: Set[str]) -> _Known:
        """Return what is known, these tokens among it."""
        with self._learning:
            if self._known.n_characters > _REMEMBERED_CHARACTERS:
                self._known = _Known()  # who is reading keeps the one before
            self._add(self._known, [token for token in tokens if token not in self._known.codes])
            return self._known

    def _add(self, known: _Known, tokens: Sequence[str]) -> None:
        ngrams = read_tokens(tokens)
        columns = self._find(np.concatenate((ngrams.words, ngrams.characters))).astype(np.int32)
        n_words, n_edges = len(ngrams.words), known.n_edges + len(ngrams.edges)
        if n_edges > len(known.edges):  # twice as long: what is there is seldom copied
            room = np.empty((n_edges, 2), np.uint64)
            known.edges = np.concatenate((known.edges[: known.n_edges], room, room))
        known.edges[known.n_edges : n_edges] = ngrams.edges
        parts = (
            _cut(*_drop_unknown(columns[:n_words], ngrams.word_starts)),
            _cut(*_drop_unknown(columns[n_words:], ngrams.character_starts)),
            _cut(~np.arange(known.n_edges, n_edges, dtype=np.int32), ngrams.edge_starts),
        )
        known.n_edges = n_edges
        known.n_characters += sum(map(len, tokens))
        known.codes.update(zip(tokens, map(b"".join, zip(*parts, strict=True)), strict=True))


def _look_up(known: _Known, tokens: Sequence[Sequence[str]]) -> list[bytes]:
    """Codes of each text; raise `KeyError` if a token is new."""
    return [b"".join(map(known.codes.__getitem__, some)) for some in tokens]


def _drop_unknown(columns: Columns, starts: Integers) -> tuple[Columns, Integers]:
    is_known = columns >= 0
    return columns[is_known], np.concatenate(([0], np.cumsum(is_known)))[starts]


def _cut(codes: Columns, bounds: Integers) -> list[bytes]:
    data = codes.tobytes()
    at = (bounds * codes.itemsize).tolist()
    return [data[start:stop] for start, stop in itertools.pairwise(at)]
