"""What a model must show before it becomes a version."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prelabel.errors import ArtifactError, ModelError, NotEnoughLabelsError
from prelabel.loop.admission import learn, require_answers
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from tests.letters import Letters

TEXTS = ["aaa", "bbb"]


@pytest.mark.parametrize(
    ("answer", "left_out", "said"),
    [
        (np.full((2, 3), 0.3), None, r"predict_proba gave an array of shape \(2, 3\)"),
        (np.full((2, 2), 7.0), None, "predict_proba gave what are no probabilities"),
        (None, None, "predict_proba gave an array"),
        (np.zeros((2, 2)), None, r"probabilities that sum to \[0.0, 0.0\]"),
        (np.full((2, 2), 0.5), np.full((3, 2), 0.5), r"out_of_fold_ gave .* shape \(3, 2\)"),
        (np.full((2, 2), 0.5), np.full((2, 2), -1.0), "out_of_fold_ gave what are no"),
    ],
)
def test_a_model_that_could_not_be_served_or_measured_is_refused_before_it_is_a_version(
    answer: Any, left_out: Any, said: str
) -> None:
    model = Letters().fit(TEXTS, ["sports", "cooking"])
    object.__setattr__(model, "predict_proba", lambda _: answer)
    model.out_of_fold_ = left_out
    with pytest.raises(ModelError, match=said):
        require_answers(model, TEXTS)


class Forgetful(Letters):
    """Goes wrong in one of the steps from a fit to a stored version."""

    mistake = ""

    def to_arrays(self) -> Any:
        if self.mistake == "no arrays":
            return None
        if self.mistake == "text":
            return {"letters": np.array(["a"])}
        if self.mistake == "short numbers":
            return {"letters": (self.letters + 0.1).astype(np.float16)}
        return {"letters": self.letters * (self.mistake != "zeros")}

    @classmethod
    def from_arrays(cls, arrays: Any, classes: Any) -> Any:
        if cls.mistake == "raises":
            raise AttributeError
        model = super().from_arrays(arrays, classes)
        if cls.mistake == "no classes":
            del model.classes_
        if cls.mistake == "other classes":
            model.classes_ = (*model.classes_, "more")
        return None if cls.mistake == "nothing" else model


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("no arrays", "to_arrays gave NoneType"),
        ("raises", r"failed in from_arrays \(AttributeError at test_admission.py:"),
        ("nothing", "from_arrays gave NoneType"),
        ("no classes", r"After from_arrays .* classes_ are \(\)"),
        ("other classes", r"classes_ are .*'more'.* those that it was given"),
        ("zeros", "otherwise once it is stored"),
    ],
)
def test_a_model_that_could_not_be_stored_and_loaded_is_refused_before_it_is_a_version(
    mistake: str, said: str
) -> None:
    made = type("Made", (Forgetful,), {"mistake": mistake})
    with pytest.raises(ModelError, match=said):
        require_answers(made().fit(TEXTS, ["sports", "cooking"]), TEXTS)


def test_arrays_of_texts_cannot_be_stored() -> None:
    made = type("Made", (Forgetful,), {"mistake": "text"})
    with pytest.raises(ArtifactError, match="letters: <U1"):
        require_answers(made().fit(TEXTS, ["sports", "cooking"]), TEXTS)


@pytest.mark.parametrize("mistake", ["", "short numbers"])
def test_what_is_stored_whole_or_rounded_may_be_a_version(mistake: str) -> None:
    made = type("Made", (Forgetful,), {"mistake": mistake})
    require_answers(made().fit(TEXTS, ["sports", "cooking"]), TEXTS)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (None, r"classes_ are \(\)"),
        ((0, 1), r"classes_ are \('0', '1'\)"),
        ({"sports", "cooking"}, "each label once, in the order"),
        (["sports", "sports"], "each label once, in the order"),
    ],
)
def test_a_fitted_model_of_which_no_column_is_a_labels_is_refused(classes: Any, said: str) -> None:
    model = Letters()
    if classes:
        model.classes_ = classes
    with pytest.raises(ModelError, match=said):
        learn(lambda: model, ["sports", "cooking"])


@pytest.mark.parametrize("thresholds", [None, np.float32(0.5), np.full(3, 0.5)])
def test_a_model_of_several_labels_needs_a_threshold_for_each(thresholds: Any) -> None:
    model = SklearnMultiLabelClassifier()
    model.classes_ = np.array(["cooking", "sports"])
    model.thresholds_ = thresholds
    with pytest.raises(ModelError, match=r"thresholds_ have the shape .* shape \(2,\)"):
        learn(lambda: model, ["sports"])
    model.thresholds_ = np.full(2, 0.5, np.float32)
    assert learn(lambda: model, ["sports"]) is model


def test_a_fit_that_returns_no_model_is_refused_with_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"fit gave NoneType.*Return it from fit"):
        learn(lambda: None, ["sports"])


@pytest.mark.parametrize("error", [RuntimeError("secret text"), SystemExit(3)])
def test_what_a_fit_raises_is_told_by_its_line(error: BaseException) -> None:
    def fail() -> Any:
        raise error

    with pytest.raises(ModelError) as caught:
        learn(fail, ["sports"])
    assert f"failed in fit ({type(error).__name__} at test_admission.py:" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_too_few_labels_are_no_failure_of_a_fit() -> None:
    with pytest.raises(NotEnoughLabelsError):
        learn(lambda: Letters().fit(["a"], ["sports"]), ["sports"])


def test_what_was_not_left_out_may_be_unknown() -> None:
    model = Letters().fit(TEXTS, ["sports", "cooking"])
    model.out_of_fold_ = np.array([[np.nan, np.nan], [0.2, 0.8]], np.float32)
    require_answers(model, TEXTS)
