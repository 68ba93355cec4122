"""Texts as the hashes of their n-grams, in vectorised NumPy.

No Python code runs per word: a batch of texts is one array of code points, a word is a run in it,
and an n-gram is the hash of a run. N-grams of characters are those of scikit-learn's
``TfidfVectorizer(analyzer="char_wb")``; what counts as a word: `TfidfFeatures`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy

from prelabel.models.arrays import Integers
from prelabel.models.characters import (
    ALONE,
    NGRAM_BASE,
    SPACE,
    WORD,
    CharacterClasses,
    Hashes,
    find_bounds,
    find_runs,
    find_spans,
    find_stretches,
    hash_rows,
    hash_runs,
    hash_windows,
    pad_runs,
    read_characters,
    sum_up,
)

MAX_TEXT_CHARACTERS = 100_000
"""Only so many characters of a text are read: a book must not hold up the tasks beside it."""

CHARACTER_BIT = np.uint64(1 << 63)
"""Set in the hash of an n-gram of characters, not in that of words: sorted, words come first."""

Counts: TypeAlias = "scipy.sparse.csr_matrix[np.float32]"

_WORD_SIZES, _CHARACTER_SIZES = np.arange(1, 3), np.arange(1, 6)
_N_ASCII = 128
_CHUNK_CHARACTERS = 250_000  # bounds the memory of a batch; more is no faster


@dataclass(frozen=True, slots=True)
class Ngrams:
    """Where n-grams occur in a chunk: row ``i`` has ``hashes[starts[i]:starts[i + 1]]``.

    First come the documents, with the n-grams of their words, then the distinct words of the
    chunk, with their n-grams of characters. ``spread``, shape (documents, rows), counts in each
    document the document itself once and each word as often as it occurs.
    """

    hashes: Hashes
    starts: Integers
    spread: Counts

    def count(self, columns: Integers, n_columns: int) -> Counts:
        """Occurrences, shape (documents, n_columns); ``columns[i]`` is of ``hashes[i]``, or -1."""
        known = columns >= 0
        starts = np.concatenate(([0], np.cumsum(known)))[self.starts]
        return self.spread @ _csr(columns[known], starts, n_columns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Where the n-grams of one text stand. Characters are counted from a space put before it.

    Attributes
    ----------
    hashes
        Of every occurrence of an n-gram, shape (occurrences,).
    starts, stops
        First character of each occurrence, and the one after its last; the space before or
        behind a word may be among them.
    units
        Number of the word that each character belongs to, ascending; -1 for white space. What
        stands between words, such as punctuation, is numbered with them.
    """

    hashes: Hashes
    starts: Integers
    stops: Integers
    units: Integers


def in_chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts, cut and in lower case, in lists of bounded length; at least one list."""
    for chunk in cut(texts):
        yield [*map(lower, chunk)]


def lower(text: str) -> str:
    """Put a text in lower case."""
    # One by one: what is lower case can depend on the neighbours ("Σ" ends a word as "ς").
    return undot(text).lower()


def undot(text: str) -> str:
    """Write both the dotted capital and the dotless small letter of Turkish as "i".

    Python's lower case of the former is an "i" and a mark, which breaks words; and that of "I" is
    "i", not the latter, so that a word in capitals would be another one.

    >>> undot("İptal").lower(), undot("SAĞLIK").lower() == undot("sa\u011fl\u0131k")
    ('iptal', True)
    """
    return text.replace("İ", "i").replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")


def cut_one(text: str) -> str:
    """Return as much of a text as is read."""
    return text[:MAX_TEXT_CHARACTERS]


def cut(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield the texts, as much as is read of them, in lists of bounded length; at least one."""
    chunk: list[str] = []
    room = _CHUNK_CHARACTERS
    for text in texts:
        chunk.append(cut_one(text))
        room -= len(chunk[-1])
        if room <= 0:
            yield chunk
            chunk, room = [], _CHUNK_CHARACTERS
    if chunk or not texts:
        yield chunk


def find_ngrams(chunk: Sequence[str]) -> Ngrams:
    """Every n-gram of a chunk of `in_chunks`."""
    values, classes = read_characters(chunk)
    bounds, sums = find_bounds(chunk), sum_up(values)
    words, word_starts = _word_ngrams(sums, classes, bounds)
    characters, character_starts, spread = _character_ngrams(values, sums, classes, bounds)
    hashes = _words_first(words, characters)
    starts = np.concatenate((word_starts, character_starts[1:] + word_starts[-1]))
    return Ngrams(hashes, starts, spread)


def hash_words(hashes: Hashes) -> tuple[Hashes, Hashes]:
    """Hash words, given by the hashes of their runs, and pairs of neighbours as `find_ngrams`."""
    rolling = hashes * NGRAM_BASE
    return rolling >> np.uint64(1), (rolling[:-1] + hashes[1:]) * NGRAM_BASE >> np.uint64(1)


def hash_characters(values: Hashes) -> Hashes:
    """Hash the n-grams in tokens with a space before and after each, as `find_ngrams` does.

    Shape (len(values), sizes), one a size from each value on. Those that cross a space are none,
    and have hashes that no n-gram has.
    """
    # Where all are of ASCII, single ones are left out: they are no features.
    sizes = _CHARACTER_SIZES[int(values.max(initial=0) <= _N_ASCII) :]
    return hash_windows(values, sizes) >> np.uint64(1) | CHARACTER_BIT


def hash_ascii() -> Hashes:
    """Hashes of the n-grams that are one character of ASCII, shape (128,)."""
    values = np.arange(1, _N_ASCII + 1, dtype=np.uint64)
    hashes: Hashes = hash_windows(values, _CHARACTER_SIZES[:1])[:, 0] >> np.uint64(1)
    return hashes | CHARACTER_BIT


def locate_ngrams(text: str) -> Located:
    """Every n-gram of one text of a chunk of `in_chunks`, and where it stands."""
    values, classes = read_characters([text])
    is_word = classes != SPACE
    is_unit = is_word.copy()
    is_unit[1:] &= (classes[1:] != classes[:-1]) | (classes[1:] == ALONE)
    units = np.where(is_word, np.cumsum(is_unit) - 1, -1)
    at, stops = find_runs(classes >= WORD, classes == WORD)
    words, _ = hash_rows(hash_runs(sum_up(values), at, stops), np.array([0, len(at)]), _WORD_SIZES)
    first, last = find_spans(np.array([0, len(at)]), _WORD_SIZES)
    padded, source, starts = pad_runs(values, *find_stretches(is_word))
    characters, _ = hash_rows(padded, starts, _CHARACTER_SIZES)
    begin, end = find_spans(starts, _CHARACTER_SIZES)
    return Located(
        hashes=_words_first(words, characters),
        starts=np.concatenate((at[first], source[begin])),
        stops=np.concatenate((stops[last], source[end] + 1)),
        units=units,
    )


def _words_first(words: Hashes, characters: Hashes) -> Hashes:
    """Hashes of both kinds, marked by the first bit: it puts words first in every vocabulary."""
    return np.concatenate((words >> np.uint64(1), characters >> np.uint64(1) | CHARACTER_BIT))


def _word_ngrams(
    sums: Hashes, classes: CharacterClasses, bounds: Integers
) -> tuple[Hashes, Integers]:
    """Hashes of the word n-grams by document, and where each document's start."""
    starts, stops = find_runs(classes >= WORD, classes == WORD)
    hashes = hash_runs(sums, starts, stops)
    return hash_rows(hashes, np.searchsorted(starts, bounds), _WORD_SIZES)


def _character_ngrams(
    values: Hashes, sums: Hashes, classes: CharacterClasses, bounds: Integers
) -> tuple[Hashes, Integers, Counts]:
    """Hashes of the character n-grams by distinct word, where each word's start, the spread."""
    is_word = classes != SPACE
    starts, stops = find_stretches(is_word)
    hashes = hash_runs(sums, starts, stops)
    _, first, words = np.unique(hashes, return_index=True, return_inverse=True)
    padded, _, begins = pad_runs(values, starts[first], stops[first])  # each distinct word once
    # A document has itself, then its words.
    n_documents = len(bounds) - 1
    rows = np.searchsorted(starts, bounds)
    columns = np.insert(words + n_documents, rows[:-1], np.arange(n_documents))
    spread = _csr(columns, rows + np.arange(n_documents + 1), n_documents + len(first))
    return *hash_rows(padded, begins, _CHARACTER_SIZES), spread


def _csr(columns: Integers, starts: Integers, n_columns: int) -> Counts:
    """Put a one at each of ``columns``; row ``i`` starts with ``columns[starts[i]]``."""
    parts = (np.ones(len(columns), np.float32), columns.astype(np.int32), starts.astype(np.int32))
    return scipy.sparse.csr_matrix(parts, shape=(len(starts) - 1, n_columns))
