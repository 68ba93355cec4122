from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression

from prelabel.errors import ArtifactError, NotEnoughLabelsError
from prelabel.models.base import labels_of
from prelabel.models.features import TfidfFeatures
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.representation import Representation
from prelabel.models.scaling import expect_scaling

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
    assert tuple(model.classes_) == ("ad", "ham", "spam")
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
    again = SklearnTextClassifier.from_arrays(scaled, labels_of(model))
    np.testing.assert_array_equal(again.predict_proba(["call"]), [[1, 0, 0]])


def uncalibrated(model: SklearnTextClassifier, texts: list[str]) -> npt.NDArray[np.float64]:
    """Return the probabilities that scores would have without a temperature."""
    found = model.predict_proba(texts).astype(np.float64) ** model.temperature_
    return np.asarray(found / found.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    texts, labels = TEXTS[: 3 * classes], LABELS[: 3 * classes]
    x = TfidfFeatures().fit(texts).transform(texts).astype(np.float64)
    reference = LogisticRegression(C=10, solver="newton-cg", tol=1e-8).fit(x, labels)
    ours = SklearnTextClassifier().fit(texts, labels)
    assert tuple(ours.classes_) == tuple(reference.classes_)
    np.testing.assert_allclose(uncalibrated(ours, texts), reference.predict_proba(x), atol=5e-4)


@pytest.mark.parametrize("copies", [1, MANY])
def test_the_same_examples_give_the_same_arrays_bit_for_bit(copies: int) -> None:
    first, second = (fitted(copies).to_arrays() for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_a_few_epochs_come_near_the_optimum() -> None:
    x = TfidfFeatures().fit(TEXTS).transform(TEXTS)
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
    assert tuple(model.classes_) == ("Sports", "World")
    assert model.predict_proba(["business"]).shape == (1, 2)


POOL = [
    "the team won the match", "a match between two teams", "the striker of the team scored",
    "fans saw the striker", "the bank cut its rates", "rates of the bank rise",
    "investors sold shares of the bank", "shares fell as rates rise", "a team of investors",
    "the bank of the river",
]  # fmt: skip
NAMES = {"Sports": ["team sport"], "Money": ["bank_account"], "Arts": ["theatre"]}


def test_texts_without_labels_tell_which_words_belong_together() -> None:
    texts, labels = ["the team", "the bank"], ["Sports", "Money"]
    alone = SklearnTextClassifier().fit(texts, labels).predict_proba(["striker", "shares"])
    model = SklearnTextClassifier().fit(texts, labels, unlabeled=POOL)
    np.testing.assert_allclose(alone[0], alone[1])
    assert model.predict(["striker", "shares"]).tolist() == labels


def test_scores_are_those_of_words_and_directions_side_by_side() -> None:
    labels = ["Sports"] * 4 + ["Money"] * 4
    model = SklearnTextClassifier(C=10).fit(POOL[:8], labels, unlabeled=POOL)
    known = Representation.learn(POOL[:8], POOL, n_components=100, seed=0)
    x = known.features.transform(POOL[:8])
    beside = np.hstack([x.toarray(), 2 * known.locate(x)]).astype(np.float64)
    reference = LogisticRegression(C=10, tol=1e-8).fit(beside, labels)
    expected = reference.predict_proba(beside)
    np.testing.assert_allclose(uncalibrated(model, POOL[:8]), expected, atol=1e-3)


def test_names_are_enough_where_there_are_no_labels() -> None:
    model = SklearnTextClassifier().fit([], [], unlabeled=POOL, label_names=NAMES)
    assert tuple(model.classes_) == ("Money", "Sports")  # no text has a word of "theatre"
    assert model.predict(["the striker", "shares"]).tolist() == ["Sports", "Money"]


def test_names_without_texts_are_not_enough() -> None:
    with pytest.raises(NotEnoughLabelsError):
        SklearnTextClassifier().fit([], [], label_names=NAMES)


def test_names_are_examples_of_labels_that_have_others() -> None:
    texts, labels = ["fans saw it", "it fell"], ["Sports", "Money"]
    model = SklearnTextClassifier().fit(texts, labels, unlabeled=POOL, label_names=NAMES)
    assert model.predict(["team", "bank"]).tolist() == labels


def test_a_label_known_by_name_only_is_predicted_where_the_texts_know_the_name() -> None:
    names = {**NAMES, "Water": ["river"]}
    model = SklearnTextClassifier()
    model.fit(
        ["a team", "rates"], ["Sports", "Money"], unlabeled=[*POOL, "river"], label_names=names
    )
    assert tuple(model.classes_) == ("Money", "Sports", "Water")  # no text has a word of "Arts"
    assert model.predict(["the river", "a team", "rates"]).tolist() == ["Water", "Sports", "Money"]


def test_examples_count_as_much_as_they_weigh() -> None:
    texts, labels = ["call now", "call now", "see you"], ["spam", "ham", "ham"]
    for weights, label in (([5, 1, 1], "spam"), ([1, 5, 1], "ham"), ([1, 0, 1], "spam")):
        model = SklearnTextClassifier().fit(texts, labels, sample_weight=weights)
        assert model.predict(["call now"]).tolist() == [label]


def noisy() -> tuple[list[str], list[str]]:
    """Sixty different texts, of which every fourth has the wrong label."""
    texts = [f"{text} {i}" for i in range(7) for text in TEXTS][:60]
    return texts, ["ham" if i % 4 == 0 else label for i, label in enumerate(LABELS * 7)][:60]


def test_the_strength_of_the_penalty_is_chosen_by_log_loss_out_of_fold() -> None:
    texts, labels = noisy()
    model = SklearnTextClassifier(C="auto").fit(texts, labels)
    losses = {}
    for C in (1.0, 3.0, 10.0, 30.0, 100.0):  # noqa: N806
        found = SklearnTextClassifier(C=C).fit(texts, labels).out_of_fold_
        assert found is not None
        columns = np.searchsorted(model.classes_, labels)
        of_truth = found[np.arange(60), columns]
        losses[C] = -np.log(of_truth).mean()
    assert min(losses, key=losses.__getitem__) == model.C_


def test_too_few_examples_leave_the_penalty_as_it_is() -> None:
    model = SklearnTextClassifier(C="auto").fit(TEXTS, LABELS)
    assert (model.C_, model.temperature_) == (10.0, float(expect_scaling(3).temperature))
    assert model.out_of_fold_ is not None
    assert np.isnan(model.out_of_fold_).all()


def test_probabilities_out_of_fold_are_those_of_the_calibrated_model() -> None:
    texts, labels = noisy()
    weights = np.ones(60)
    weights[0] = 0
    model = SklearnTextClassifier().fit(texts, labels, sample_weight=weights)
    assert model.temperature_ > 1
    assert model.out_of_fold_ is not None
    assert np.isnan(model.out_of_fold_[0]).all()
    np.testing.assert_allclose(model.out_of_fold_[1:].sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("copies", [1, 7, 200])
def test_all_ingredients_give_the_same_arrays_bit_for_bit(copies: int) -> None:
    texts = [f"{text} {i}" for i in range(copies) for text in TEXTS]
    first, second = (
        SklearnTextClassifier(C="auto" if copies < 200 else 10.0)
        .fit(texts, LABELS * copies, unlabeled=POOL, label_names={"ad": ["new shoes"]})
        .to_arrays()
        for _ in range(2)
    )
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_an_explanation_adds_up_to_the_probabilities() -> None:
    model = SklearnTextClassifier().fit(TEXTS, LABELS, unlabeled=POOL)
    explanation = model.explain("Call our shop!")
    scores = explanation.intercept + explanation.contributions.sum(axis=0)
    probabilities = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(probabilities, model.predict_proba(["Call our shop!"])[0], rtol=1e-4)
    assert explanation.words == ("call", "our", "shop", "!")


@pytest.mark.parametrize("name", ["The customer asks to cancel a flight.", "", "\ud800", "a\0b"])
def test_a_name_is_any_text(name: str) -> None:
    names = {"Sports": [name], "Money": [name, name]}
    texts, labels = ["a team", "rates"], ["Sports", "Money"]
    model = SklearnTextClassifier().fit(texts, labels, unlabeled=POOL, label_names=names)
    assert model.predict(texts).tolist() == labels


def test_labels_keep_lone_surrogates() -> None:
    model = SklearnTextClassifier().fit(["a team", "rates"], ["\ud800", "a\0"], unlabeled=POOL)
    assert model.predict(["rates", "a team"]).tolist() == ["a\0", "\ud800"]


def test_labels_are_any_text() -> None:
    labels = ["a\0", "a", "a" * 5_000, "標籤", "1", "0"]
    model = SklearnTextClassifier().fit([f"word{i}" for i in range(6)], labels)
    assert tuple(model.classes_) == tuple(sorted(labels))


def test_empty_texts_leave_the_frequencies_of_the_labels() -> None:
    model = SklearnTextClassifier().fit(["", "", " ", ""], ["a", "b", "b", "b"])
    np.testing.assert_allclose(uncalibrated(model, ["any"]), [[0.25, 0.75]], atol=1e-3)


def test_arrays_rebuild_the_model() -> None:
    model = fitted()
    arrays = model.to_arrays()
    coefficients = arrays["coefficients"]
    assert coefficients.dtype == np.float32
    assert coefficients.flags.c_contiguous
    again = SklearnTextClassifier.from_arrays(arrays, labels_of(model))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert again.to_arrays()["coefficients"] is coefficients


@pytest.mark.parametrize("name", ["coefficients", "intercept", "hashes", "weights"])
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


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("name", ["coefficients", "intercept", "weights"])
def test_numbers_that_would_not_give_probabilities_are_refused(name: str, number: float) -> None:
    arrays = dict(fitted().to_arrays())
    arrays[name] = arrays[name].copy()
    arrays[name].flat[0] = number
    with pytest.raises(ArtifactError, match=f"The array {name} is from"):
        SklearnTextClassifier.from_arrays(arrays, ["ad", "ham", "spam"])


def test_classes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ArtifactError, match="float32"):
        SklearnTextClassifier.from_arrays(fitted().to_arrays(), ["ham", "spam"])


def test_a_first_prediction_imports_neither_scikit_learn_nor_sparse_matrices(
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "arrays.npz", **fitted().to_arrays())  # type: ignore[arg-type]
    script = """
import sys
import numpy as np
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.representation import Representation
from prelabel.models.scaling import expect_scaling
with np.load(sys.argv[1]) as arrays:
    model = SklearnTextClassifier.from_arrays(dict(arrays), ["ad", "ham", "spam"])
assert model.predict_proba(["call now"]).shape == (1, 3)
heavy = {"sklearn", "joblib", "scipy.sparse"}
print(*(name for name in sys.modules if name in heavy or name.split(".")[0] in heavy))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "arrays.npz")]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout.strip() == ""


def test_a_label_with_one_example_is_measured_as_missed() -> None:
    texts = [f"see you at {i}" for i in range(59)] + ["cheap pills"]
    model = SklearnTextClassifier().fit(texts, ["ham"] * 59 + ["spam"])
    assert model.out_of_fold_ is not None
    assert not np.isnan(model.out_of_fold_).any()
    assert model.out_of_fold_[-1].tolist() == [1, 0]
