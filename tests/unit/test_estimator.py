from __future__ import annotations

import pickle
import warnings
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.ensemble import StackingClassifier
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.metrics import classification_report
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.multi_label import SklearnMultiLabelClassifier

TEXTS = ["cheap pills", "cheap prize", "free pills", "see you", "see me", "call you"] * 2
LABELS = ["spam", "spam", "spam", "ham", "ham", "ham"] * 2
SETS = [(label,) for label in LABELS]
TABLE = np.array([["pill" in t or "prize" in t, "cheap" in t] for t in TEXTS], int)
"""Which texts are spam, and which are cheap."""

TEXT_CHECKS = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]
"""Those of scikit-learn's checks that do not fit numbers."""


@pytest.mark.parametrize("name", TEXT_CHECKS)
def test_scikit_learns_checks_pass(name: str) -> None:
    getattr(estimator_checks, name)("SklearnTextClassifier", SklearnTextClassifier())


class OfNumbers(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The classifier for rows of numbers, each written as a text: most checks give numbers."""

    def __init__(self, C: float = 10.0) -> None:  # noqa: N803 - as in scikit-learn
        self.C = C

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> OfNumbers:  # noqa: N803 - as in scikit-learn
        X, y = validate_data(self, X, y)  # noqa: N806 - as in scikit-learn
        check_classification_targets(y)
        self.classes_, columns = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Only one class is present")
        model = SklearnTextClassifier(C=self.C)
        self.model_ = model.fit(write(X), [f"{c:03}" for c in columns], sample_weight=sample_weight)
        return self

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - as in scikit-learn
        check_is_fitted(self)
        return self.model_.predict_proba(write(validate_data(self, X, reset=False)))

    def predict(self, X: Any) -> Any:  # noqa: N803 - as in scikit-learn
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


def write(rows: Any) -> list[str]:
    whole = np.clip(np.round(rows), -99, 99).astype(int).tolist()
    return [" ".join(f"c{column}is{value}" for column, value in enumerate(row)) for row in whole]


NOT_MEANT = {
    "check_all_zero_sample_weights_error",  # refused, in other words
    "check_classifiers_one_label_sample_weights",  # refused, in other words
    "check_sample_weight_equivalence_on_dense_data",  # words are weighed by texts, not by weights
}


def test_scikit_learns_checks_pass_on_numbers_written_as_texts() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the checks try is not always tidy
        results = estimator_checks.check_estimator(OfNumbers(), on_fail=None, on_skip=None)
    statuses = Counter(result["status"] for result in results)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed.keys() == NOT_MEANT, failed
    assert statuses["passed"] >= 55


class OfTables(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The classifier of several labels for rows of numbers, each written as a text."""

    def fit(self, X: Any, y: Any) -> OfTables:  # noqa: N803 - as in scikit-learn
        X, y = validate_data(self, X, y, multi_output=True)  # noqa: N806 - as in scikit-learn
        self.model_ = SklearnMultiLabelClassifier().fit(write(X), y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X: Any) -> Any:  # noqa: N803 - as in scikit-learn
        return self.model_.predict(write(X))

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - as in scikit-learn
        return self.model_.predict_proba(write(X))

    def decision_function(self, X: Any) -> Any:  # noqa: N803 - as in scikit-learn
        return self.model_.decision_function(write(X))


SEVERAL_CHECKS = [
    "check_classifiers_multilabel_output_format_decision_function",
    "check_classifiers_multilabel_output_format_predict",
    "check_classifiers_multilabel_output_format_predict_proba",
    "check_classifiers_multilabel_representation_invariance",
]


@pytest.mark.parametrize("name", SEVERAL_CHECKS)
def test_scikit_learns_checks_of_several_labels_pass(name: str) -> None:
    getattr(estimator_checks, name)("SklearnMultiLabelClassifier", OfTables())


def test_it_is_a_classifier_that_can_be_cloned() -> None:
    model = SklearnTextClassifier(C=3.0, n_components=7)
    again = clone(model)
    assert is_classifier(again)
    assert again.get_params() == model.get_params()
    assert repr(again) == "SklearnTextClassifier(C=3.0, n_components=7)"


def test_so_can_the_one_of_several_labels() -> None:
    model = SklearnMultiLabelClassifier(C=3.0)
    again = clone(model)
    assert again is not model
    assert repr(again.set_params(n_components=7)) == (
        "SklearnMultiLabelClassifier(C=3.0, n_components=7)"
    )
    check_is_fitted(again.fit(TEXTS, SETS))
    with pytest.raises(ValueError, match="Received str as texts"):
        again.predict_proba("see you")
    with pytest.raises(ValueError, match="kinds NoneType, str"):
        model.fit(TEXTS, [(None,), *SETS[1:]])


def test_it_can_be_searched_over_and_cross_validated() -> None:
    search = GridSearchCV(SklearnTextClassifier(), {"C": [1.0, 10.0]}, cv=2).fit(TEXTS, LABELS)
    assert search.best_score_ == 1
    pipeline = make_pipeline(FunctionTransformer(), SklearnTextClassifier())
    assert cross_val_score(pipeline, np.array(TEXTS), np.array(LABELS), cv=2).tolist() == [1, 1]


@pytest.fixture
def routing() -> Iterator[None]:
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize(
    ("model", "labels"), [(SklearnTextClassifier(), LABELS), (SklearnMultiLabelClassifier(), TABLE)]
)
def test_pipelines_and_searches_hand_on_what_it_requests(model: Any, labels: Any) -> None:
    spam = np.array(LABELS) == "spam"
    # "prize" stands for ham, "me" for spam, where the texts that say otherwise weigh nothing.
    texts = [*TEXTS, "prize", "prize", "me", "me"]
    labels = [*labels, *(labels[i] for i in (3, 3, 0, 0))]
    told, weights = np.array(labels), np.append(np.where(spam, 0.01, 1), [1, 1, 1, 1])
    names = {"spam": ["pills"], "ham": ["call"]} if told.ndim == 1 else {0: ["pills"]}
    pool = [*texts, "dear friend"]
    given: dict[str, Any] = {"sample_weight": weights, "unlabeled": pool, "label_names": names}
    alone = clone(model).fit(texts, told, **given).predict_proba(texts)
    requesting = clone(model).set_fit_request(**dict.fromkeys(given, True))
    requesting = clone(requesting.set_score_request(sample_weight=True))
    pipeline = make_pipeline(FunctionTransformer(), requesting).fit(texts, told, **given)
    np.testing.assert_array_equal(pipeline.predict_proba(texts), alone)
    search = GridSearchCV(pipeline, {f"{pipeline.steps[1][0]}__C": [10.0]}, cv=2)
    search.fit(texts, told, **given)
    np.testing.assert_array_equal(search.predict_proba(texts), alone)
    assert (clone(model).fit(texts, told).predict_proba(texts) != alone).any()


@pytest.mark.usefixtures("routing")
def test_what_nobody_requested_is_refused_by_scikit_learn_and_by_no_silence() -> None:
    weights = [1.0] * len(TEXTS)
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        cross_val_score(
            SklearnTextClassifier(), TEXTS, LABELS, cv=2, params={"sample_weight": weights}
        )
    with pytest.raises(TypeError, match="request for weight; fit has unlabeled, label_names"):
        SklearnTextClassifier().set_fit_request(weight=True)


@pytest.mark.usefixtures("routing")
def test_a_cross_validation_scores_with_the_weights_that_were_requested() -> None:
    model = SklearnTextClassifier().set_fit_request(sample_weight=True)
    labels = ["ham", *LABELS[1:]]  # one wrong label, which alone counts
    weights = [1.0] + [1e-3] * 5 + [1.0] * 6
    found = [
        cross_val_score(
            clone(model).set_score_request(sample_weight=wanted), TEXTS, labels,
            cv=KFold(2), params={"sample_weight": weights},
        )
        for wanted in (True, False)
    ]  # fmt: skip
    assert found[0][0] < 0.01
    assert found[1][0] > 0.5


SEVERAL_SCORERS = ["accuracy", "f1_macro", "f1_samples", "jaccard_micro", "roc_auc",
                   "average_precision"]  # fmt: skip


@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize("scoring", SEVERAL_SCORERS)
def test_scikit_learns_scorers_measure_several_labels(scoring: str, n_labels: int) -> None:
    table = np.c_[TABLE, 1 - TABLE[:, 0]][:, :n_labels]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a text that has no label has no precision
        scores = cross_val_score(
            SklearnMultiLabelClassifier(), TEXTS, table, cv=2, scoring=scoring, error_score="raise"
        )
    assert scores == pytest.approx(1, abs=0.6)


def test_a_search_and_a_report_take_several_labels() -> None:
    search = GridSearchCV(
        SklearnMultiLabelClassifier(), {"C": [1.0, 10.0]}, cv=2, scoring="f1_micro"
    ).fit(TEXTS, TABLE)
    assert search.best_score_ == 1
    report = classification_report(
        TABLE, search.predict(TEXTS), target_names=["spam", "cheap"], output_dict=True,
        zero_division=1,
    )  # fmt: skip
    assert report["micro avg"]["f1-score"] == 1
    found = cross_val_predict(
        SklearnMultiLabelClassifier(), TEXTS, TABLE, cv=2, method="predict_proba"
    )
    assert ((found > 0.5) == TABLE).all()


SCORERS = ["accuracy", "f1_macro", "balanced_accuracy", "neg_log_loss", "roc_auc", "roc_auc_ovr"]


@pytest.mark.parametrize("scoring", SCORERS)
@pytest.mark.parametrize("is_number", [False, True])
def test_scikit_learns_scorers_measure_it(scoring: str, is_number: bool) -> None:
    labels = [int(label == "spam") for label in LABELS] if is_number else LABELS
    scores = cross_val_score(
        SklearnTextClassifier(), TEXTS, labels, cv=2, scoring=scoring, error_score="raise"
    )
    assert scores == pytest.approx(0 if scoring == "neg_log_loss" else 1, abs=0.5)


@pytest.mark.parametrize("labels", [LABELS, ["spam", "ham", "ad"] * 4])
def test_others_can_be_built_on_it(labels: list[str]) -> None:
    models = [("weak", SklearnTextClassifier(C=1.0)), ("strong", SklearnTextClassifier())]
    stacked = StackingClassifier(models, cv=2).fit(TEXTS, labels)
    assert stacked.classes_.tolist() == sorted(set(labels))
    found = cross_val_predict(SklearnTextClassifier(), TEXTS, labels, cv=2, method="predict_proba")
    assert found.shape == (len(TEXTS), len(set(labels)))


def test_its_predictions_are_of_the_kind_of_the_labels() -> None:
    numbers = [int(label == "spam") for label in LABELS]
    model = SklearnTextClassifier().fit(np.array(TEXTS), np.array(numbers))
    assert model.classes_.dtype == model.predict(TEXTS).dtype == np.int64
    assert model.predict(TEXTS).tolist() == numbers
    again = SklearnTextClassifier().fit(TEXTS, LABELS)
    assert {type(label) for label in again.predict(TEXTS)} == {str}


OUT_OF_RANGE = [
    {"C": 0}, {"C": -1.0}, {"C": "1"}, {"C": None}, {"C": float("nan")},
    {"C": 1e-12}, {"C": 1e40}, {"C": float("inf")}, {"C": Fraction(1, 3)},
    {"n_components": -1}, {"n_components": 1.5}, {"n_components": None},
    {"random_state": -1}, {"random_state": 2**32}, {"random_state": None}, {"random_state": 0.5},
]  # fmt: skip


@pytest.mark.parametrize("parameters", OUT_OF_RANGE)
def test_parameters_out_of_range_are_refused_by_fit(parameters: dict[str, Any]) -> None:
    (name,) = parameters
    with pytest.raises(ValueError, match=f"Received {name}=.*expected"):
        SklearnTextClassifier(**parameters).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match=f"Received {name}=.*expected"):
        SklearnMultiLabelClassifier(**parameters).fit(TEXTS, SETS)


def test_it_says_that_it_is_not_fitted() -> None:
    model, other = SklearnTextClassifier(), SklearnMultiLabelClassifier()
    for use in (model.predict, model.predict_proba, other.predict_proba):
        with pytest.raises(NotFittedError, match="Call fit first"):
            use(TEXTS)
    for look in (lambda: model.explain("see"), model.to_arrays, other.to_arrays):
        with pytest.raises(NotFittedError, match="Call fit first"):
            look()


@pytest.mark.parametrize("holder", [np.array, tuple, iter])
def test_unlabeled_texts_may_be_held_by_anything(holder: Any) -> None:
    pool = [*TEXTS, "dear friend", "dear prize"]
    expected = SklearnTextClassifier().fit(TEXTS, LABELS, unlabeled=pool).predict_proba(pool)
    model = SklearnTextClassifier().fit(TEXTS, LABELS, unlabeled=holder(pool))
    np.testing.assert_array_equal(model.predict_proba(pool), expected)


def test_numbers_may_have_names_too() -> None:
    pool = [*TEXTS, "dear friend", "dear prize"]
    names: dict[Any, list[str]] = {0: ["friend"], 1: ["zzz"], 2: ["prize"]}  # "zzz" is in no text
    model = SklearnTextClassifier().fit(TEXTS, [0, 1] * 6, unlabeled=pool, label_names=names)
    assert model.classes_.tolist() == [0, 1, 2]


def test_names_and_labels_are_of_one_kind() -> None:
    with pytest.raises(ValueError, match="kinds int, str"):
        SklearnTextClassifier().fit(TEXTS, [0, 1] * 6, label_names={"0": ["no"]})


def test_it_knows_whether_it_is_fitted() -> None:
    check_is_fitted(SklearnTextClassifier().fit(TEXTS, LABELS))
    with pytest.raises(Exception, match="not fitted"):
        check_is_fitted(SklearnTextClassifier())


def test_it_can_be_fitted_anew() -> None:
    model = SklearnTextClassifier().fit(TEXTS, LABELS)
    model.fit(TEXTS, [label.upper() for label in LABELS])
    assert model.predict(["cheap"]).tolist() == ["SPAM"]


def test_its_score_is_the_accuracy() -> None:
    model = SklearnTextClassifier().fit(TEXTS, LABELS)
    assert model.score(["cheap", "see"], ["spam", "spam"]) == 0.5
    assert model.score(["cheap", "see"], ["spam", "spam"], sample_weight=[3, 1]) == 0.75


@pytest.mark.parametrize(
    ("model", "labels", "others"),
    [
        (SklearnTextClassifier(), [0, 0, 1, 1], ["0", "0", "1", "1"]),
        (
            SklearnMultiLabelClassifier(),
            [["a"], ["b"], [], ["a"]],
            [[1, 0], [0, 1], [0, 0], [1, 0]],
        ),
    ],
)
def test_its_score_says_so_where_labels_are_of_another_kind(
    model: Any, labels: Any, others: Any
) -> None:
    texts = ["cheap pills", "cheap stuff", "see you", "see me"]
    model.fit(texts, labels)
    with pytest.raises(ValueError, match=r"Received labels that are .*; expected"):
        model.score(texts, np.array(others))


@pytest.mark.parametrize(
    ("labels", "weights"),
    [(["spam"], None), (["spam"] * 3, None), (["spam"] * 2, [1]), (["spam"] * 2, [0, 0])],
)
def test_its_score_is_of_a_label_and_a_weight_for_each_text(
    labels: list[str], weights: list[int] | None
) -> None:
    model = SklearnTextClassifier().fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match=r"Received .*; expected"):
        model.score(["cheap", "see"], labels, sample_weight=weights)


def test_it_can_be_pickled() -> None:
    model = SklearnTextClassifier().fit(TEXTS, LABELS)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_a_parameter_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid parameter 'c'"):
        SklearnTextClassifier().set_params(c=1)
