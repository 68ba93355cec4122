from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression

from prelabel.errors import ArtifactError, NotEnoughLabelsError
from prelabel.models.features import TfidfFeatures
from prelabel.models.logistic import SklearnTextClassifier

EXAMPLES = {
    "ham": ["see you at six", "are you home yet", "call me when you are home"],
    "spam": ["cheap pills, call now", "you won a prize, call now", "free prize inside"],
    "ad": ["new shoes in our shop", "our shop opens at six", "shoes for your home"],
}
TEXTS = [text for texts in EXAMPLES.values() for text in texts]
LABELS = [label for label, texts in EXAMPLES.items() for _ in texts]


MANY = 60  # copies of the examples: enough for the solver of larger projects


def fitted(copies: int = 1, *, C: float = 10.0) -> SklearnTextClassifier:  # noqa: N803
    return SklearnTextClassifier(C=C).fit(TEXTS * copies, LABELS * copies)


def test_it_learns_its_examples() -> None:
    model = fitted()
    probabilities = model.predict_proba(TEXTS)
    assert model.classes_ == ("ad", "ham", "spam")
    assert [model.classes_[i] for i in probabilities.argmax(axis=1)] == LABELS
    assert probabilities.dtype == np.float32


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "東京", "never seen", "call " * 50_000])
def test_every_row_is_a_distribution(text: str) -> None:
    probabilities = fitted(C=1e4).predict_proba([text])
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_no_texts_give_no_rows() -> None:
    assert fitted().predict_proba([]).shape == (0, 3)


def test_large_scores_do_not_overflow() -> None:
    model = fitted()
    scaled = {**model.to_arrays(), "intercept": np.array([1e4, 0, -1e4], np.float32)}
    again = SklearnTextClassifier.from_arrays(scaled, model.classes_)
    np.testing.assert_array_equal(again.predict_proba(["call"]), [[1, 0, 0]])


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    texts, labels = TEXTS[: 3 * classes], LABELS[: 3 * classes]
    x = TfidfFeatures().fit(texts).transform(texts).astype(np.float64)
    reference = LogisticRegression(C=10, solver="newton-cg", tol=1e-8).fit(x, labels)
    ours = SklearnTextClassifier().fit(texts, labels)
    assert ours.classes_ == tuple(reference.classes_)
    np.testing.assert_allclose(ours.predict_proba(texts), reference.predict_proba(x), atol=5e-4)


@pytest.mark.parametrize("copies", [1, MANY])
def test_the_same_examples_give_the_same_arrays_bit_for_bit(copies: int) -> None:
    first, second = (fitted(copies).to_arrays() for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_a_few_epochs_come_near_the_optimum() -> None:
    x = TfidfFeatures().fit(TEXTS * MANY).transform(TEXTS)
    reference = LogisticRegression(C=10 * MANY, solver="newton-cg").fit(x, LABELS)
    probabilities = fitted(MANY).predict_proba(TEXTS)
    np.testing.assert_allclose(probabilities, reference.predict_proba(x), atol=0.1)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), np.repeat([1, 2, 0], 3))


@pytest.mark.parametrize("labels", [[], ["spam"], ["spam", "spam"]])
def test_fewer_than_two_labels_are_not_enough(labels: list[str]) -> None:
    with pytest.raises(NotEnoughLabelsError) as error:
        SklearnTextClassifier().fit(["text"] * len(labels), labels)
    assert error.value.counts == ({"spam": len(labels)} if labels else {})


def test_a_label_never_annotated_is_never_predicted() -> None:
    model = SklearnTextClassifier().fit(["football", "votes"], ["Sports", "World"])
    assert model.classes_ == ("Sports", "World")
    assert model.predict_proba(["business"]).shape == (1, 2)


def test_labels_are_any_text() -> None:
    labels = ["a\0", "a", "a" * 5_000, "標籤", "1", "0"]
    model = SklearnTextClassifier().fit([f"word{i}" for i in range(6)], labels)
    assert model.classes_ == tuple(sorted(labels))


def test_empty_texts_leave_the_frequencies_of_the_labels() -> None:
    model = SklearnTextClassifier().fit(["", "", " ", ""], ["a", "b", "b", "b"])
    np.testing.assert_allclose(model.predict_proba(["any"]), [[0.25, 0.75]], rtol=1e-6)


def test_arrays_rebuild_the_model() -> None:
    model = fitted()
    arrays = model.to_arrays()
    coefficients = arrays["coefficients"]
    assert coefficients.dtype == np.float32
    assert coefficients.flags.c_contiguous
    again = SklearnTextClassifier.from_arrays(arrays, model.classes_)
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert again.to_arrays()["coefficients"] is coefficients


@pytest.mark.parametrize("name", ["coefficients", "intercept", "hashes", "idf"])
@pytest.mark.parametrize(
    "array", [None, np.zeros(7, np.float32), np.zeros((2, 3)), np.zeros(3, np.float64)]
)
def test_arrays_that_do_not_fit_are_refused(
    name: str, array: npt.NDArray[np.floating] | None
) -> None:
    arrays = dict(fitted().to_arrays())
    del arrays[name]
    if array is not None:
        arrays[name] = array
    with pytest.raises(ArtifactError, match="Train the project again"):
        SklearnTextClassifier.from_arrays(arrays, ["ad", "ham", "spam"])


def test_classes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ArtifactError, match="float32"):
        SklearnTextClassifier.from_arrays(fitted().to_arrays(), ["ham", "spam"])


def test_predicting_does_not_import_scikit_learn(tmp_path: Path) -> None:
    np.savez(tmp_path / "arrays.npz", **fitted().to_arrays())  # type: ignore[arg-type]
    script = """
import sys
import numpy as np
from prelabel.models.logistic import SklearnTextClassifier
with np.load(sys.argv[1]) as arrays:
    model = SklearnTextClassifier.from_arrays(dict(arrays), ["ad", "ham", "spam"])
assert model.predict_proba(["call now"]).shape == (1, 3)
print(*(name for name in sys.modules if name.split(".")[0] in ("sklearn", "joblib")))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "arrays.npz")]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout.strip() == ""
