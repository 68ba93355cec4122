from __future__ import annotations

import pickle
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse import linalg as sparse_linalg
from sklearn.feature_extraction.text import TfidfVectorizer

from prelabel.errors import ArtifactError
from prelabel.models.characters import MARKED_SCRIPTS, SYMBOL_RANGES, UNSPACED_RANGES
from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import MAX_TEXT_CHARACTERS, lower
from tests.builders import make_forget

UNSPACED, SYMBOLS = (
    "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    for ranges in (UNSPACED_RANGES, SYMBOL_RANGES)
)
MARKS = "".join(
    character
    for first, last in MARKED_SCRIPTS
    for character in map(chr, range(first, last + 1))
    if unicodedata.category(character) in ("Mn", "Mc")
)
NO_LIMIT = 10**9

# Many scripts, and what breaks tokenizers: final sigma, İ, NUL, combining marks, odd spaces.
SNIPPETS = st.sampled_from([
    "the cat", "ΟΔΥΣΣΕΥΣ", "İstanbul", "ß_x9", "Ωx", "x", "e\u0301te\u0301", "a\0b", "\0",
    "हिन्दी", "বাংলা", "தமிழ்", "สวัสดีครับ", "ភាសា",
    "한국어", "東京タワー", "ﾊﾝｶｸ", "𠮷野家", "abc東京def",
    "👩\u200d👧 ok", "👍🏽!", "so❤️", "①→②",
    " ", "\n\n", "\u3000", "\x1c", "\x85",
])  # fmt: skip
TEXTS = st.lists(
    st.lists(SNIPPETS | st.text(max_size=8), max_size=6).map("".join), min_size=1, max_size=8
)


Entries = npt.NDArray[np.float64]


def dense(matrix: sparse.csr_matrix[np.float32]) -> Entries:
    """Entries with the columns in an order that does not depend on how they were numbered."""
    entries = np.asarray(matrix.toarray(), np.float64)
    return entries[:, np.lexsort(entries.round(4))]


def words_of_reference(texts: list[str], queries: list[str], min_df: int) -> Entries:
    """What scikit-learn makes of the queries after learning from the texts."""
    pattern = rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[\w{MARKS}])+|[{SYMBOLS}]"
    vectorizer = TfidfVectorizer(
        token_pattern=pattern, ngram_range=(1, 2), sublinear_tf=True, min_df=min_df,
        preprocessor=lower,
    )  # fmt: skip
    if not is_fitted(vectorizer, texts):
        return np.zeros((len(queries), 0))
    return dense(vectorizer.transform(queries) * np.sqrt(0.5))


def characters_of_reference(texts: list[str], queries: list[str], min_df: int) -> Entries:
    """Vectors that scikit-learn gives the tokens, once more times IDF, summed by text.

    Without the features that are one character of ASCII.
    """
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True, norm=None, min_df=min_df,
        preprocessor=lower,
    )  # fmt: skip
    if not is_fitted(vectorizer, texts):
        return np.zeros((len(queries), 0))
    kept = [len(ngram) > 1 or not ngram.isascii() for ngram in vectorizer.get_feature_names_out()]
    if not any(kept):
        return np.zeros((len(queries), 0))
    rows = []
    for query in queries:
        read = [*dict.fromkeys(lower(query).split()), ""]
        tokens = vectorizer.transform(read).toarray()[:, kept] * vectorizer.idf_[kept]
        length = np.sqrt(2 * np.square(tokens).sum())
        rows.append(tokens.sum(axis=0) / (length or 1))
    return dense(sparse.csr_matrix(np.array(rows)))


def is_fitted(vectorizer: TfidfVectorizer, texts: list[str]) -> bool:
    try:
        vectorizer.fit(texts)
    except ValueError:  # scikit-learn refuses an empty vocabulary
        return False
    return True


REFERENCES = {"words": words_of_reference, "characters": characters_of_reference}


def one_block(kind: str, min_df: int) -> TfidfFeatures:
    return TfidfFeatures(
        max_words=NO_LIMIT if kind == "words" else 0,
        max_character_ngrams=NO_LIMIT if kind == "characters" else 0,
        min_document_frequency=min_df,
    )


@pytest.mark.parametrize("kind", ["words", "characters"])
@settings(deadline=None, max_examples=200)
@given(texts=TEXTS, queries=TEXTS, min_df=st.integers(1, 2))
def test_each_block_equals_scikit_learn(
    kind: str, texts: list[str], queries: list[str], min_df: int
) -> None:
    features = one_block(kind, min_df).fit(texts)
    for asked in (texts, queries):
        ours, theirs = dense(features.transform(asked)), REFERENCES[kind](texts, asked, min_df)
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_the_blocks_stand_side_by_side_and_a_row_has_length_one() -> None:
    texts = ["one two three", "two three four", "東京 two"]
    both = TfidfFeatures().fit(texts).transform(texts)
    words = one_block("words", 1).fit(texts).transform(texts)
    characters = one_block("characters", 1).fit(texts).transform(texts)
    np.testing.assert_array_equal(
        both.toarray(), np.hstack([words.toarray(), characters.toarray()])
    )
    np.testing.assert_allclose(words.multiply(words).sum(axis=1), 0.5, rtol=1e-6)
    assert both.dtype == np.float32


def test_a_text_that_says_the_same_again_and_again_is_no_longer_than_others() -> None:
    texts = ["who was the first president", "where is the lake", "what does the word mean"]
    features = TfidfFeatures().fit(texts)
    once, often = (features.transform([texts[0] + n * texts[0].rjust(40)]) for n in (1, 1_000))
    assert sparse_linalg.norm(once) == pytest.approx(1, abs=0.1)
    assert sparse_linalg.norm(often) == pytest.approx(sparse_linalg.norm(once), rel=1e-3)


@pytest.mark.parametrize(("capital", "small"), [("İPTAL", "iptal"), ("İade", "iade")])
def test_a_turkish_i_with_a_dot_breaks_no_word(capital: str, small: str) -> None:
    features = TfidfFeatures().fit([small, "siparişim gelmedi"])
    same, other = features.transform([capital]).toarray(), features.transform([small]).toarray()
    np.testing.assert_array_equal(same, other)


def test_a_batch_of_any_size_is_read_as_if_it_were_small() -> None:
    texts = [f"text number {i} of many " * 400 for i in range(60)]
    features = one_block("words", 2).fit(texts)
    together = features.transform(texts)
    one_by_one = sparse.vstack([features.transform([text]) for text in texts])
    np.testing.assert_array_equal(together.toarray(), one_by_one.toarray())
    np.testing.assert_allclose(dense(together), words_of_reference(texts, texts, 2), atol=1e-6)


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    features = TfidfFeatures().fit(["seen unseen"])
    long = "seen ".ljust(MAX_TEXT_CHARACTERS)
    cut, whole = (features.transform([text]).toarray() for text in (long + " unseen", long))
    np.testing.assert_array_equal(cut, whole)


def test_the_most_frequent_ngrams_are_kept() -> None:
    texts = ["common rare", "common", "common scarce"]
    features = TfidfFeatures(max_words=1, max_character_ngrams=0).fit(texts)
    assert features.n_features == 1
    np.testing.assert_allclose(features.transform(texts).toarray(), [[np.sqrt(0.5)]] * 3)


def test_an_ngram_of_one_text_counts_only_while_texts_are_few() -> None:
    few, more = (["same words", *["same"] * n] for n in (18, 19))
    words = [TfidfFeatures(max_character_ngrams=0).fit(texts).n_features for texts in (few, more)]
    assert words == [3, 1]


def test_an_ngram_of_characters_may_be_of_one_text_for_longer() -> None:
    sizes = []
    for n in (498, 499):
        features = TfidfFeatures().fit(["words", *["same"] * n])
        sizes.append((features.n_words, features.n_features - features.n_words))
    of_same, of_words = 14, 18
    assert sizes == [(1, of_same + of_words), (1, of_same)]


def test_an_emoji_is_a_word() -> None:
    features = TfidfFeatures(max_character_ngrams=0).fit(["good👍", "good👎", "👍 👍", "good"])
    same, other, none = features.transform(["so 👍!", "so 👎!", "so !"]).toarray()
    assert same @ same == pytest.approx(0.5)
    assert same @ other == 0
    assert not none.any()


@pytest.mark.parametrize("text", ["", " \n", "\0", "\ud800 lone \udfff", "a" * 200_000, "\ud83d"])
def test_any_text_has_a_vector(text: str) -> None:
    features = TfidfFeatures().fit(["some words", text])
    vector = features.transform([text])
    assert vector.shape == (1, features.n_features)
    assert np.isfinite(vector.data).all()


def test_no_texts_give_no_rows_and_empty_texts_give_no_columns() -> None:
    assert TfidfFeatures().fit(["words"]).transform([]).shape[0] == 0
    assert TfidfFeatures().fit(["", " "]).transform(["words", ""]).shape == (2, 0)
    assert TfidfFeatures().fit([]).n_features == 0


def test_a_pair_of_words_is_not_the_word_they_spell() -> None:
    features = TfidfFeatures(max_character_ngrams=0).fit(["b a"])
    assert features.transform(["ab", "ba", "a b"]).nnz == 2


def test_arrays_rebuild_the_features_without_being_copied() -> None:
    texts = ["to be or not", "to be"]
    features = TfidfFeatures().fit(texts)
    arrays = features.to_arrays()
    for array in arrays.values():
        array.flags.writeable = False
    again = TfidfFeatures.from_arrays(arrays)
    np.testing.assert_array_equal(
        again.transform(texts).toarray(), features.transform(texts).toarray()
    )
    assert all(again.to_arrays()[name] is array for name, array in arrays.items())


def test_what_is_remembered_of_tokens_changes_nothing() -> None:
    texts = [f"well-known words, {n} of them (東京{n}) - no {n}th time" for n in range(60)]
    features = one_block("characters", 1).fit(texts)
    expected = features.transform(texts).toarray()
    forgetful = TfidfFeatures.from_arrays(features.to_arrays())
    for _ in range(2):
        one_by_one = sparse.vstack([forgetful.transform([text]) for text in texts])
        np.testing.assert_array_equal(one_by_one.toarray(), expected)
        make_forget(forgetful.transform)


def test_features_can_be_copied_and_pickled() -> None:
    features = TfidfFeatures().fit(["to be or not", "to be"])
    for copy in (deepcopy(features), pickle.loads(pickle.dumps(features))):
        np.testing.assert_array_equal(
            copy.transform(["be it"]).toarray(), features.transform(["be it"]).toarray()
        )


def test_threads_that_learn_the_same_tokens_agree() -> None:
    texts = [f"word{n} {n}word, and {n % 7} more" for n in range(400)]
    expected = TfidfFeatures().fit(texts).transform(texts).toarray()
    features = TfidfFeatures().fit(texts)
    with ThreadPoolExecutor(8) as threads:
        for matrix in threads.map(lambda _: features.transform(texts), range(8)):
            np.testing.assert_array_equal(matrix.toarray(), expected)


@pytest.mark.parametrize("name", ["hashes", "weights"])
@pytest.mark.parametrize("array", [None, np.zeros(3, np.float64), np.zeros((2, 2), np.uint64)])
def test_arrays_that_do_not_fit_are_refused(
    name: str, array: npt.NDArray[np.generic] | None
) -> None:
    arrays = dict(TfidfFeatures().fit(["to be"]).to_arrays())
    del arrays[name]
    if array is not None:
        arrays[name] = array
    with pytest.raises(ArtifactError, match="Train the project again"):
        TfidfFeatures.from_arrays(arrays)


def test_a_vocabulary_in_disorder_is_refused() -> None:
    """What it found would lie outside of the matrix, and so be read from other memory."""
    arrays = dict(TfidfFeatures().fit(["to be or not to be"]).to_arrays())
    for hashes in (arrays["hashes"][::-1], np.repeat(arrays["hashes"][:1], len(arrays["hashes"]))):
        with pytest.raises(ArtifactError, match="in disorder, or twice"):
            TfidfFeatures.from_arrays({**arrays, "hashes": hashes})
