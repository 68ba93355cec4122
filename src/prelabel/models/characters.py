"""Characters in vectorised NumPy: their classes, runs of them, and hashes of runs."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Integers, Mask
from prelabel.models.ragged import find_ends, find_places

UNSPACED_RANGES = (
    (0x0E00, 0x0EFF),  # Thai and Lao
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # hiragana and katakana
    (0x3400, 0x9FFF),  # ideographs
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFF66, 0xFF9F),  # halfwidth katakana
    (0x20000, 0x3FFFF),  # ideographs of the supplementary planes
)
"""First and last code points of scripts written without spaces: each character counts as a word,
and with its neighbour as a pair of words. Hangul is not among them: Korean has spaces. Nor is
Burmese, which has some, and gains nothing by it."""

MARKED_SCRIPTS = (
    (0x0900, 0x097F),  # Devanagari: Hindi, Marathi, Nepali
    (0x0980, 0x09FF),  # Bengali
)
"""First and last code points of scripts whose marks, as their vowel signs are, belong to words.
Elsewhere, marks break words, as they do for ``\\w``: pieces tell more of Tamil and Burmese."""

SYMBOL_RANGES = (
    (0x2190, 0x2BFF),  # arrows, technical signs, shapes, stars and hearts
    (0x1F000, 0x1FAFF),  # emoji
)
"""First and last code points of symbols, each of which means something by itself, like a word."""

Hashes: TypeAlias = npt.NDArray[np.uint64]
CharacterClasses: TypeAlias = npt.NDArray[np.uint8]

SPACE, OTHER, WORD, ALONE = range(4)
"""Classes of characters: WORD joins its neighbours to a word, ALONE is one by itself."""

# Odd, without pattern (digits of pi and of the golden ratio) and different: with one base, the
# pair of words "x y" would share the hash of the word "yx".
_WORD_BASE = np.uint64(0x243F6A8885A308D3)
NGRAM_BASE = np.uint64(0x9E3779B97F4A7C15)

_SPACE_VALUE = np.uint64(ord(" ") + 1)


def read_characters(chunk: Sequence[str]) -> tuple[Hashes, CharacterClasses]:
    """Value and class of each character, with a space before and after every text."""
    # The spaces: no run crosses from one text into the next.
    joined = " ".join(["", *chunk, ""])
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    classes = classes_of_code_points().take(points)
    values = points.astype(np.uint64)
    values += np.uint64(1)  # a NUL must count in a hash
    return values, classes


def find_bounds(chunk: Sequence[str]) -> Integers:
    """Position of each text's first character, and the one after the last text's space."""
    return np.array([1, *[len(text) + 1 for text in chunk]]).cumsum()


def find_stretches(inside: Mask) -> tuple[Integers, Integers]:
    """Do as `find_runs` where all neighbours share a run, with half of its calls."""
    edges = (inside[1:] != inside[:-1]).nonzero()[0] + 1
    return edges[::2], edges[1::2]


def find_runs(inside: Mask, joins: Mask) -> tuple[Integers, Integers]:
    """First character of each run, and the one after its last; each of shape (runs,).

    Each character that is ``inside`` belongs to one; neighbours share it if both join. The first
    and the last character are spaces.
    """
    share = joins[1:] & joins[:-1]
    (starts,), (stops,) = (inside[1:] > share).nonzero(), (inside[:-1] > share).nonzero()
    return starts + 1, stops + 1


def sum_up(values: Hashes) -> Hashes:
    """Return what the hashes of all runs of values are made of, shape (len(values) + 1,)."""
    powers, _ = _powers(_WORD_BASE, len(values))
    return _sum(values * powers[1 : len(values) + 1])


def hash_runs(sums: Hashes, starts: Integers, stops: Integers) -> Hashes:
    """Hash each run: its first value times a base, the second times its square, and so on."""
    _, inverse_powers = _powers(_WORD_BASE, len(sums))
    hashes: Hashes = sums.take(stops)
    hashes -= sums.take(starts)
    hashes *= inverse_powers.take(starts)
    return hashes


def hash_windows(values: Hashes, sizes: Integers) -> Hashes:
    """Hash the runs of some sizes from each value on: the last value times a base, and so on.

    Shape (len(values), len(sizes)); 0 where there are not so many values any more.
    """
    powers, inverse_powers = _powers(NGRAM_BASE, len(values))
    sums = _sum(values * inverse_powers[: len(values)])
    hashes = np.zeros((len(values), len(sizes)), np.uint64)
    for place, size in enumerate(sizes.tolist()):
        found = hashes[: max(0, len(values) + 1 - size), place]
        np.subtract(sums[size:], sums[:-size], out=found)
        found *= powers[size : len(sums)]
    return hashes


def _sum(values: Hashes) -> Hashes:
    sums = np.zeros(len(values) + 1, np.uint64)
    values.cumsum(out=sums[1:])
    return sums


def _powers(base: np.uint64, most: int) -> tuple[Hashes, Hashes]:
    """Powers of a base, and of its inverse, from the zeroth to ``most`` or beyond."""
    return _powers_of_bits(base, most.bit_length())


@cache
def _powers_of_bits(base: np.uint64, bits: int) -> tuple[Hashes, Hashes]:
    inverse = np.uint64(pow(int(base), -1, 1 << 64))
    powers = np.full((2, 1 << bits), [[base], [inverse]])
    powers[:, 0] = 1
    found, inverse_powers = powers.cumprod(axis=1)
    return found, inverse_powers


def hash_rows(values: Hashes, starts: Integers, sizes: Integers) -> tuple[Hashes, Integers]:
    """Hashes of all runs of ``sizes`` values within a row, ordered by row, and the rows' starts.

    Parameters
    ----------
    sizes
        One after the other, ascending.
    """
    left = _count_left(starts)
    fitting = np.minimum(np.maximum(left - (sizes[0] - 1), 0), len(sizes))
    return hash_windows(values, sizes)[left[:, np.newaxis] >= sizes], find_ends(fitting)[starts]


def find_spans(starts: Integers, sizes: Integers) -> tuple[Integers, Integers]:
    """First and last value of each run that `hash_rows` hashes, in its order."""
    first, size = np.nonzero(_count_left(starts)[:, np.newaxis] >= sizes)
    return first, first + sizes[size] - 1


def pad_runs(
    values: Hashes, starts: Integers, stops: Integers
) -> tuple[Hashes, Integers, Integers]:
    """Values of each run between two spaces, where they come from, and where each begins."""
    sizes = stops - starts + 2
    source, begins = find_places(starts - 1, sizes)
    padded = values.take(source)
    padded[begins[:-1]] = padded[begins[1:] - 1] = _SPACE_VALUE  # any white space is a space
    return padded, source, begins


def space_runs(values: Hashes, starts: Integers, stops: Integers) -> tuple[Hashes, Integers]:
    """Values of each run behind a space, and a space behind the last; and how many each has."""
    sizes = stops - starts + 1
    sizes[-1] += 1
    source, begins = find_places(starts - 1, sizes)
    spaced = values.take(source)
    spaced[begins[:-1]] = spaced[-1] = _SPACE_VALUE  # any white space is a space
    return spaced, sizes


def _count_left(starts: Integers) -> Integers:
    """How many values there are from each value on to the end of its row."""
    left: Integers = starts[1:].repeat(starts[1:] - starts[:-1]) - np.arange(starts[-1])
    return left


@cache
def classes_of_code_points() -> CharacterClasses:
    """Class of every code point, as Python's ``re`` and ``str.split`` see it; takes 25 ms.

    But symbols, and characters of scripts without spaces, are words by themselves, and some
    scripts' marks are parts of words.
    """
    characters = np.arange(0x110000, dtype=np.uint32).view("U1")
    classes = np.full(len(characters), OTHER, np.uint8)
    classes[np.strings.isspace(characters)] = SPACE
    for first, last in SYMBOL_RANGES:
        classes[first : last + 1] = ALONE
    classes[np.strings.isalnum(characters) | (characters == "_")] = WORD  # some of these are, too
    for first, last in UNSPACED_RANGES:
        classes[first : last + 1] = ALONE
    for first, last in MARKED_SCRIPTS:
        marks = [is_mark(character) for character in characters[first : last + 1].tolist()]
        classes[first : last + 1][marks] = WORD
    return classes


def is_mark(character: str) -> bool:
    """Whether a character is a mark on the one before it, as an accent or a vowel sign."""
    return unicodedata.category(character).startswith("M")
