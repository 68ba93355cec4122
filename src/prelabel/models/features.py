"""Texts as sparse TF-IDF vectors.

Two blocks stand side by side. Words with pairs of words are what scikit-learn's
``TfidfVectorizer`` computes of such words with ``sublinear_tf=True`` (the tests compare them).
Beside them stand the character n-grams inside each token, what white space separates: a token has
a vector of its own, and a text the sum of its tokens' vectors. So what a token adds to the scores
of a linear model is computed once, however often it occurs: see `scoring`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy

from prelabel.errors import ArtifactError
from prelabel.models.arrays import Integers, Numbers
from prelabel.models.characters import Hashes
from prelabel.models.ngrams import (
    CHARACTER_BIT,
    Counts,
    Ngrams,
    find_ngrams,
    hash_ascii,
    in_chunks,
)
from prelabel.models.rows import Row, Rows
from prelabel.models.tokens import Tokens
from prelabel.models.vocabulary import Vocabulary

# Below, what occurs in a single text may be all there is; of so few texts, n-grams of characters
# in one text still say more about others than they mislead: see docs/explanation/model.md.
_FEW_TEXTS, _FEW_TEXTS_OF_CHARACTERS = 20, 500


class TfidfFeatures:
    r"""Sparse TF-IDF vectors of texts: words and pairs of words, character n-grams inside words.

    Words are runs of ``\w``, in Hindi and Bengali with the marks between, but each character of a
    script without spaces is one, as Chinese and Thai are, and each symbol such as an emoji. Their
    block of a row has the length ``sqrt(1/2)``, or 0 where a text has nothing the vocabulary knows.

    Character n-grams have up to 5 characters, one only if it is none of ASCII, and know where a
    token starts and ends. Those of a token weigh ``(1 + log(occurrences in it)) * idf**2``. Their
    block of a row is the sum of these vectors, of each token once, divided by ``sqrt(2)`` times the
    length it would have if they were orthogonal.

    Parameters
    ----------
    max_words, max_character_ngrams
        How many n-grams each block keeps: those that occur in the most texts.
    min_document_frequency
        In how many texts an n-gram must occur. None takes 2, but 1 for fewer than 20 texts, and 1
        for n-grams of characters in fewer than 500.
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
        self._vocabulary = Vocabulary(np.empty(0, np.uint64), np.empty(0, np.float32))

    @property
    def n_features(self) -> int:
        """Columns of `transform`: the n-grams kept."""
        return len(self._vocabulary.hashes)

    @property
    def n_words(self) -> int:
        """How many of them, the first, are words or pairs of words."""
        return self._vocabulary.n_words

    @property
    def n_bytes(self) -> int:
        """Memory it takes, without what is remembered of tokens."""
        return self._vocabulary.n_bytes

    def forget_tokens(self) -> None:
        """Free what is remembered of the tokens read; they are read again when they come again."""
        self._vocabulary.reader.forget()

    def fit(self, texts: Sequence[str]) -> Self:
        """Choose the vocabulary, and weigh an n-gram by how few texts have it."""
        found = [_document_frequencies(find_ngrams(chunk)) for chunk in in_chunks(texts)]
        hashes, inverse = np.unique(np.concatenate([h for h, _ in found]), return_inverse=True)
        frequencies = np.zeros(len(hashes), np.int64)
        np.add.at(frequencies, inverse, np.concatenate([f for _, f in found]))
        kept = self._choose(hashes, frequencies, len(texts))
        weights = np.log((1 + len(texts)) / (1 + frequencies[kept])) + 1
        # The square keeps what many tokens share, such as endings, from drowning the rest.
        weights[hashes[kept] >= CHARACTER_BIT] **= 2
        self._vocabulary = Vocabulary(hashes[kept], weights.astype(np.float32))
        return self

    def _choose(self, hashes: Hashes, frequencies: Integers, n_texts: int) -> Integers:
        """Return which n-grams to keep, ascending, words first."""
        words, characters = np.split(np.arange(len(hashes)), [hashes.searchsorted(CHARACTER_BIT)])
        characters = characters[~np.isin(hashes[characters], hash_ascii())]
        parts = []
        for candidates, few_texts, most in (
            (words, _FEW_TEXTS, self._max_words),
            (characters, _FEW_TEXTS_OF_CHARACTERS, self._max_character_ngrams),
        ):
            least = self._min_document_frequency or (1 if n_texts < few_texts else 2)
            frequent = candidates[frequencies[candidates] >= least]
            parts.append(_most_frequent(frequent, frequencies, most))
        return np.concatenate(parts)

    def transform(self, texts: Sequence[str]) -> Counts:
        """Vectors, shape (len(texts), n_features), float32; words first, then characters."""
        reader = self._vocabulary.reader
        parts = [self._to_matrix(*reader.read(chunk)) for chunk in in_chunks(texts)]
        return parts[0] if len(parts) == 1 else scipy.sparse.vstack(parts, format="csr")

    def _to_matrix(self, tokens: Tokens, texts: Rows) -> Counts:
        n_texts, n_characters = len(texts.starts) - 1, self.n_features - self.n_words
        parts = (texts.weights, texts.columns, texts.column_starts)
        words = scipy.sparse.csr_matrix(parts, shape=(n_texts, self.n_words))
        vectors = tokens.vectors(n_characters)
        occurrences = scipy.sparse.csr_matrix(
            (np.ones(len(texts.ids), np.float32), texts.ids, texts.starts),
            shape=(n_texts, vectors.shape[0]),
        )
        characters = scipy.sparse.diags(texts.scales) @ (occurrences @ vectors)
        rows: Counts = scipy.sparse.hstack([words, characters], format="csr", dtype=np.float32)
        return rows

    def recall(self, texts: Sequence[str]) -> tuple[Tokens, Rows]:
        """Read a list of `cut`; what was read before is remembered."""
        return self._vocabulary.reader.recall(texts)

    def recall_one(self, text: str) -> tuple[Tokens, Row]:
        """Do as `recall` for one text, cut as `cut` does."""
        return self._vocabulary.reader.recall_one(text)

    def find(self, hashes: Hashes) -> Numbers:
        """Columns of n-grams, given by their hashes; -1 for those not kept."""
        return self._vocabulary.find(hashes)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """``hashes`` of the n-grams, ascending, and their ``weights``, of shape (n_features,)."""
        return {"hashes": self._vocabulary.hashes, "weights": self._vocabulary.weights}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Rebuild what `to_arrays` gave, without copying; raise `ArtifactError` if it cannot."""
        hashes, weights = (arrays.get(name, np.empty(())) for name in ("hashes", "weights"))
        kinds = (hashes.dtype.name, weights.dtype.name)
        if hashes.ndim != 1 or hashes.shape != weights.shape or kinds != ("uint64", "float32"):
            raise ArtifactError(
                f"The vocabulary has hashes of shape {hashes.shape} and weights of shape "
                f"{weights.shape}",
                expected="64-bit hashes, and one float32 weight for each",
                fix="Train the project again.",
            )
        if not (hashes[:-1] < hashes[1:]).all():
            # A column found in disorder may lie outside of the matrix, and so of its memory.
            raise ArtifactError(
                "The vocabulary has hashes in disorder, or twice",
                expected="hashes that rise",
                fix="Train the project again.",
            )
        features = cls()
        features._vocabulary = Vocabulary(hashes, weights)
        return features


def _document_frequencies(ngrams: Ngrams) -> tuple[Hashes, Integers]:
    """Distinct n-grams of a chunk, and in how many of its documents each occurs."""
    hashes, columns = np.unique(ngrams.hashes, return_inverse=True)
    counts = ngrams.count(columns, len(hashes))
    return hashes, np.bincount(counts.indices, minlength=len(hashes))


def _most_frequent(candidates: Integers, frequencies: Integers, limit: int) -> Integers:
    """Those ``limit`` candidates, ascending, that are the most frequent; of equals, the first."""
    order = np.argsort(-frequencies[candidates], kind="stable")
    return np.sort(candidates[order[:limit]])
