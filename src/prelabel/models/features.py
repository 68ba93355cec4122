"""Texts as sparse TF-IDF vectors: the hot path of every prediction.

Two blocks stand side by side: words with pairs of words, and the character n-grams inside each
word. Both are what scikit-learn's ``TfidfVectorizer`` computes with ``sublinear_tf=True`` (the
tests compare them), several times as fast and without importing scikit-learn. The vocabulary is
exact: a sorted array of 64-bit hashes. That two of its 50,000 n-grams share one has a probability
of 1e-10.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeAlias
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
from scipy import sparse

from prelabel.errors import ArtifactError
from prelabel.models.characters import Hashes, Integers
from prelabel.models.ngrams import (
    CHARACTER_BIT,
    Counts,
    Ngrams,
    find_ngrams,
    in_chunks,
)
from prelabel.models.tokens import TokenReader

Matrix: TypeAlias = npt.NDArray[np.float32]

_FEW_TEXTS = 20  # below, what occurs in a single text may be all there is

_READERS: WeakValueDictionary[bytes, TokenReader] = WeakValueDictionary()
"""By vocabulary, because most versions have that of the version before."""


class TfidfFeatures:
    r"""Sparse TF-IDF vectors of texts: words and pairs of words, character n-grams inside words.

    Words are runs of ``\w``, but each CJK character is one. Character n-grams have 2 to 5
    characters and know where a word starts and ends. Each block of a row has the length
    ``sqrt(1/2)``, or 0 where a text has nothing the vocabulary knows.

    Parameters
    ----------
    max_words, max_character_ngrams
        How many n-grams each block keeps: those that occur in the most texts.
    min_document_frequency
        In how many texts an n-gram must occur. None takes 2, and 1 for fewer than 20 texts.
    """

    def __init__(
        self,
        *,
        max_words: int = 20_000,
        max_character_ngrams: int = 30_000,
        min_document_frequency: int | None = None,
    ) -> None:
        self._max_words = max_words
        self._max_character_ngrams = max_character_ngrams
        self._min_document_frequency = min_document_frequency
        self._vocabulary = _Vocabulary(np.empty(0, np.uint64), np.empty(0, np.float32))

    @property
    def n_features(self) -> int:
        """Columns of `transform`: the n-grams kept."""
        return len(self._vocabulary.hashes)

    @property
    def n_words(self) -> int:
        """How many of them, the first, are words or pairs of words."""
        return self._vocabulary.n_words

    def fit(self, texts: Sequence[str]) -> Self:
        """Choose the vocabulary, and weigh an n-gram by how few texts have it."""
        found = [_document_frequencies(find_ngrams(chunk)) for chunk in in_chunks(texts)]
        hashes, inverse = np.unique(np.concatenate([h for h, _ in found]), return_inverse=True)
        frequencies = np.zeros(len(hashes), np.int64)
        np.add.at(frequencies, inverse, np.concatenate([f for _, f in found]))
        least = self._min_document_frequency or (1 if len(texts) < _FEW_TEXTS else 2)
        frequent = np.flatnonzero(frequencies >= least)
        words, characters = np.split(frequent, [np.searchsorted(hashes[frequent], CHARACTER_BIT)])
        kept = np.concatenate(
            (
                _most_frequent(words, frequencies, self._max_words),
                _most_frequent(characters, frequencies, self._max_character_ngrams),
            )
        )
        idf = np.log((1 + len(texts)) / (1 + frequencies[kept])) + 1
        self._vocabulary = _Vocabulary(hashes[kept], idf.astype(np.float32))
        return self

    def transform(self, texts: Sequence[str]) -> Counts:
        """Vectors, shape (len(texts), n_features), float32; words first, then characters."""
        parts = [
            _to_csr(self._vocabulary.weigh(chunk), self.n_features) for chunk in in_chunks(texts)
        ]
        return parts[0] if len(parts) == 1 else sparse.vstack(parts, format="csr")

    def score(self, texts: Sequence[str], coefficients: Matrix) -> Matrix:
        """Return ``transform(texts) @ coefficients``, up to rounding; of one text at less cost."""
        if len(texts) != 1:
            scores: Matrix = self.transform(texts) @ coefficients
            return scores
        # SciPy's checks of a matrix take longer than what they check, where it is one row.
        row = self._vocabulary.weigh(next(in_chunks(texts)))
        return (row.weights @ coefficients.take(row.columns, axis=0))[np.newaxis]

    def find(self, hashes: Hashes) -> Integers:
        """Columns of n-grams, given by their hashes; -1 for those not kept."""
        return self._vocabulary.find(hashes)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``hashes`` of the n-grams, ascending, and their ``idf``, both of shape (n_features,)."""
        return {"hashes": self._vocabulary.hashes, "idf": self._vocabulary.idf}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `to_arrays` gave, without copying; raise `ArtifactError` if it cannot."""
        hashes, idf = (arrays.get(name, np.empty(())) for name in ("hashes", "idf"))
        kinds = (hashes.dtype.name, idf.dtype.name)
        if hashes.ndim != 1 or hashes.shape != idf.shape or kinds != ("uint64", "float32"):
            raise ArtifactError(
                f"The vocabulary has hashes of shape {hashes.shape} and idf of shape {idf.shape}",
                expected="64-bit hashes, and one float32 weight for each",
                fix="Train the project again.",
            )
        features = cls()
        features._vocabulary = _Vocabulary(hashes, idf)
        return features


class _Weighed(NamedTuple):
    """Rows of a sparse matrix: row ``i`` has ``weights[starts[i]:starts[i + 1]]``."""

    weights: npt.NDArray[np.float32]
    columns: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]


class _Vocabulary:
    """The n-grams kept, words before characters.

    Attributes
    ----------
    hashes
        Ascending, shape (n,): an n-gram's position is its column.
    idf
        Weight of each n-gram, shape (n,), float32.
    """

    def __init__(self, hashes: Hashes, idf: npt.NDArray[np.float32]) -> None:
        self.hashes = hashes
        self.idf = idf
        # Hashes are spread evenly, so the first bits nearly give the position: eight times as
        # fast as a binary search.
        bits = len(hashes).bit_length() + 2
        self._shift = np.uint64(64 - bits)
        sizes = np.bincount((hashes >> self._shift).astype(np.int64), minlength=2**bits)
        self._buckets = np.cumsum(sizes) - sizes
        self._largest_bucket = int(sizes.max())
        self.n_words = int(np.searchsorted(hashes, CHARACTER_BIT))
        digest = hashlib.blake2b(hashes.data).digest()
        self._reader = _READERS.setdefault(digest, TokenReader(self.find))

    def __reduce__(self) -> tuple[type[Self], tuple[Hashes, npt.NDArray[np.float32]]]:
        return type(self), (self.hashes, self.idf)  # the rest follows from these

    def find(self, hashes: Hashes) -> Integers:
        """Columns of n-grams; -1 for those not in the vocabulary."""
        if not len(self.hashes):
            return np.full(len(hashes), -1)
        columns = self._buckets[hashes >> self._shift]
        for _ in range(self._largest_bucket):
            columns += self.hashes.take(columns, mode="clip") < hashes
        return np.where(self.hashes.take(columns, mode="clip") == hashes, columns, -1)

    def weigh(self, chunk: Sequence[str]) -> _Weighed:
        """TF-IDF of a chunk of `in_chunks`."""
        shift = len(self.hashes).bit_length()
        dtype = np.uint32 if len(chunk) << shift < 2**32 else np.uint64  # half is faster to sort
        keys = self._reader.read(chunk, shift, dtype)
        keys.sort()
        is_first = np.ones(len(keys) + 1, np.bool_)
        np.not_equal(keys[1:], keys[:-1], out=is_first[1:-1])
        first = np.flatnonzero(is_first)
        counts = (first[1:] - first[:-1]).astype(np.float32)
        keys = keys[first[:-1]]
        columns = (keys & ((1 << shift) - 1)).astype(np.int32)
        weights = (np.log(counts) + np.float32(1)) * self.idf.take(columns)
        # Words and characters of each row are normalised for themselves.
        blocks = np.arange(2 * len(chunk) + 1) >> 1 << shift
        blocks[1::2] += self.n_words
        starts = keys.searchsorted(blocks.astype(dtype))
        sums = np.zeros(len(keys) + 1)
        np.cumsum(weights * weights, out=sums[1:])
        ends = sums[starts]
        norms = np.sqrt(2 * (ends[1:] - ends[:-1])).astype(np.float32)
        weights /= norms.repeat(starts[1:] - starts[:-1])
        return _Weighed(weights, columns, starts[::2].astype(np.int32))


def _to_csr(weighed: _Weighed, n_columns: int) -> Counts:
    parts = (weighed.weights, weighed.columns, weighed.starts)
    return sparse.csr_matrix(parts, shape=(len(weighed.starts) - 1, n_columns))


def _document_frequencies(ngrams: Ngrams) -> tuple[Hashes, Integers]:
    """Distinct n-grams of a chunk, and in how many of its documents each occurs."""
    hashes, columns = np.unique(ngrams.hashes, return_inverse=True)
    counts = ngrams.count(columns, len(hashes))
    return hashes, np.bincount(counts.indices, minlength=len(hashes))


def _most_frequent(candidates: Integers, frequencies: Integers, limit: int) -> Integers:
    """Those ``limit`` candidates, ascending, that are the most frequent; of equals, the first."""
    order = np.argsort(-frequencies[candidates], kind="stable")
    return np.sort(candidates[order[:limit]])
