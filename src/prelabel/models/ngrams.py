"""Texts as the hashes of their n-grams, in vectorised NumPy.

No Python code runs per word: a batch of texts is one array of code points, a word is a run in it,
and an n-gram is the hash of a run. Words and n-grams are those of scikit-learn's
``TfidfVectorizer`` (``analyzer="word"`` and ``analyzer="char_wb"``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

MAX_TEXT_CHARACTERS = 100_000
"""Only so many characters of a text are read: a book must not hold up the tasks beside it."""

CJK_RANGES = (
    (0x3040, 0x30FF),  # hiragana and katakana
    (0x3400, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFF66, 0xFF9F),  # halfwidth katakana
    (0x20000, 0x3FFFF),  # ideographs of the supplementary planes
)
"""First and last code points of scripts written without spaces, where each character is a word.
Hangul is not among them: Korean has spaces."""

CHARACTER_BIT = np.uint64(1 << 63)
"""Set in the hash of an n-gram of characters, not in that of words: sorted, words come first."""

Hashes: TypeAlias = npt.NDArray[np.uint64]
Integers: TypeAlias = npt.NDArray[np.int64]
Classes: TypeAlias = npt.NDArray[np.uint8]
Mask: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = "sparse.csr_matrix[np.float32]"

_WORD_SIZES = (1, 2)
_CHARACTER_SIZES = (2, 3, 4, 5)
_CHUNK_CHARACTERS = 250_000  # bounds the memory of a batch; more is no faster
_SPACE, _OTHER, _WORD, _CJK = range(4)

# Odd, without pattern (digits of pi and of the golden ratio) and different: with one base, the
# pair of words "x y" would share the hash of the word "yx".
_WORD_BASE = np.uint64(0x243F6A8885A308D3)
_NGRAM_BASE = np.uint64(0x9E3779B97F4A7C15)


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
    chunk: list[str] = []
    room = _CHUNK_CHARACTERS
    for text in texts:
        # One by one: what is lower case can depend on the neighbours ("Σ" ends a word as "ς").
        chunk.append(text[:MAX_TEXT_CHARACTERS].lower())
        room -= len(chunk[-1])
        if room <= 0:
            yield chunk
            chunk, room = [], _CHUNK_CHARACTERS
    if chunk or not texts:
        yield chunk


def find_ngrams(chunk: Sequence[str]) -> Ngrams:
    """Every n-gram of a chunk of `in_chunks`."""
    values, classes = _read(chunk)
    bounds = np.cumsum([1, *(len(text) + 1 for text in chunk)])
    words, word_starts = _word_ngrams(values, classes, bounds)
    characters, character_starts, spread = _character_ngrams(values, classes, bounds)
    hashes = _words_first(words, characters)
    starts = np.concatenate((word_starts, character_starts[1:] + word_starts[-1]))
    return Ngrams(hashes, starts, spread)


def locate_ngrams(text: str) -> Located:
    """Every n-gram of one text of a chunk of `in_chunks`, and where it stands."""
    values, classes = _read([text])
    is_word = classes != _SPACE
    is_unit = is_word.copy()
    is_unit[1:] &= (classes[1:] != classes[:-1]) | (classes[1:] == _CJK)
    units = np.where(is_word, np.cumsum(is_unit) - 1, -1)
    at, lengths, hashes = _runs(values, inside=classes >= _WORD, joins=classes == _WORD)
    words, _ = _within_rows(hashes, np.array([0, len(at)]), _WORD_SIZES)
    first, last = _spans(np.array([0, len(at)]), _WORD_SIZES)
    source, starts = _padded(*_runs(values, inside=is_word, joins=is_word)[:2])
    characters, _ = _within_rows(values[source], starts, _CHARACTER_SIZES)
    begin, end = _spans(starts, _CHARACTER_SIZES)
    return Located(
        hashes=_words_first(words, characters),
        starts=np.concatenate((at[first], source[begin])),
        stops=np.concatenate((at[last] + lengths[last], source[end] + 1)),
        units=units,
    )


def _read(chunk: Sequence[str]) -> tuple[Hashes, Classes]:
    """Value and class of each character, with a space before and after every text."""
    # The spaces: no run crosses from one text into the next.
    joined = " ".join(["", *chunk, ""])
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    classes = _classes()[points]
    # Any white space is a space. One more than the code point: a NUL must count in a hash.
    values = np.where(classes == _SPACE, ord(" "), points).astype(np.uint64) + np.uint64(1)
    return values, classes


def _words_first(words: Hashes, characters: Hashes) -> Hashes:
    """Hashes of both kinds, marked by the first bit: it puts words first in every vocabulary."""
    return np.concatenate((words >> np.uint64(1), characters >> np.uint64(1) | CHARACTER_BIT))


def _word_ngrams(values: Hashes, classes: Classes, bounds: Integers) -> tuple[Hashes, Integers]:
    """Hashes of the word n-grams by document, and where each document's start."""
    at, _, hashes = _runs(values, inside=classes >= _WORD, joins=classes == _WORD)
    return _within_rows(hashes, np.searchsorted(at, bounds), _WORD_SIZES)


def _character_ngrams(
    values: Hashes, classes: Classes, bounds: Integers
) -> tuple[Hashes, Integers, Counts]:
    """Hashes of the character n-grams by distinct word, where each word's start, the spread."""
    is_word = classes != _SPACE
    at, lengths, hashes = _runs(values, inside=is_word, joins=is_word)
    _, first, words = np.unique(hashes, return_index=True, return_inverse=True)
    source, starts = _padded(at[first], lengths[first])  # each distinct word once
    # A document has itself, then its words.
    n_documents = len(bounds) - 1
    rows = np.searchsorted(at, bounds)
    columns = np.insert(words + n_documents, rows[:-1], np.arange(n_documents))
    spread = _csr(columns, rows + np.arange(n_documents + 1), n_documents + len(first))
    return *_within_rows(values[source], starts, _CHARACTER_SIZES), spread


def _padded(at: Integers, lengths: Integers) -> tuple[Integers, Integers]:
    """Positions of the runs' characters, of the space before and behind each; where each starts."""
    starts = np.concatenate(([0], np.cumsum(lengths + 2)))
    return np.arange(starts[-1]) + np.repeat(at - 1 - starts[:-1], np.diff(starts)), starts


def _runs(values: Hashes, *, inside: Mask, joins: Mask) -> tuple[Integers, Integers, Hashes]:
    """Where runs start, how long they are, and their hashes, each of shape (runs,).

    Each character that is ``inside`` belongs to one; neighbours share it if both join.
    """
    is_start = inside.copy()
    is_start[1:] &= ~(joins[1:] & joins[:-1])
    at = np.flatnonzero(is_start)
    lengths = np.add.reduceat(inside, at, dtype=np.int64)
    first = np.cumsum(lengths) - lengths
    position = np.arange(lengths.sum()) - np.repeat(first, lengths)
    powers = np.cumprod(np.full(lengths.max(initial=0), _WORD_BASE))
    return at, lengths, np.add.reduceat(values[inside] * powers[position], first)


def _within_rows(values: Hashes, starts: Integers, sizes: Sequence[int]) -> tuple[Hashes, Integers]:
    """Hashes of all runs of ``sizes`` values within a row, ordered by row, and the rows' starts."""
    hashes = np.empty((len(values), len(sizes)), np.uint64)
    rolling = np.zeros(len(values) + 1, np.uint64)
    for size in range(1, sizes[-1] + 1):
        rolling = (rolling[:-1] + values[size - 1 :]) * _NGRAM_BASE
        if size >= sizes[0]:
            hashes[: len(rolling), size - sizes[0]] = rolling
    fits = _fits(starts, sizes)
    return hashes[fits], np.concatenate(([0], np.cumsum(fits.sum(axis=1))))[starts]


def _fits(starts: Integers, sizes: Sequence[int]) -> Mask:
    """Whether a run of each size that starts at each value ends within the row."""
    left = np.repeat(starts[1:], np.diff(starts)) - np.arange(starts[-1])
    return left[:, np.newaxis] >= sizes


def _spans(starts: Integers, sizes: Sequence[int]) -> tuple[Integers, Integers]:
    """First and last value of each run that `_within_rows` hashes, in its order."""
    first, size = np.nonzero(_fits(starts, sizes))
    return first, first + np.array(sizes)[size] - 1


def _csr(columns: Integers, starts: Integers, n_columns: int) -> Counts:
    """Put a one at each of ``columns``; row ``i`` starts with ``columns[starts[i]]``."""
    parts = (np.ones(len(columns), np.float32), columns.astype(np.int32), starts.astype(np.int32))
    return sparse.csr_matrix(parts, shape=(len(starts) - 1, n_columns))


@cache
def _classes() -> Classes:
    """Class of every code point, as Python's ``re`` and ``str.split`` see it; takes 25 ms."""
    characters = np.arange(0x110000, dtype=np.uint32).view("U1")
    classes = np.full(len(characters), _OTHER, np.uint8)
    classes[np.strings.isspace(characters)] = _SPACE
    classes[np.strings.isalnum(characters) | (characters == "_")] = _WORD
    for first, last in CJK_RANGES:
        classes[first : last + 1] = _CJK
    return classes
