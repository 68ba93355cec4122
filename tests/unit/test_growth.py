from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression

from prelabel.models.design import FEW_EXAMPLES
from prelabel.models.growth import Layout
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.representation import Representation

WORDS = {
    "ham": ["see", "you", "home", "six", "call", "me", "later"],
    "spam": ["cheap", "pills", "free", "prize", "call", "now"],
}


def label_of(i: int) -> str:
    return ("ham", "spam")[i % 2]


def text(i: int) -> str:
    """A text that differs from all others, of alternating labels; one in eight misleads."""
    label = label_of(i) if i % 8 else label_of(i + 1)
    return " ".join([*np.random.default_rng(i).choice(WORDS[label], 4), f"number{i % 97}", str(i)])


LABELS = [label_of(i) for i in range(400)]
TEXTS = [text(i) for i in range(400)]


def fit(n: int) -> SklearnTextClassifier:
    names = {"spam": ["free"], "ham": ["home"]}
    return SklearnTextClassifier().fit(TEXTS[:n], LABELS[:n], unlabeled=TEXTS, label_names=names)


def left_out(model: SklearnTextClassifier) -> npt.NDArray[np.float32]:
    assert model.out_of_fold_ is not None
    return model.out_of_fold_


@pytest.mark.parametrize("n", [150, 171])  # 146 and 161 are milestones
def test_growing_label_by_label_gives_what_learning_at_once_gives(n: int) -> None:
    script = f"""
from tests.unit.test_growth import fit
for name, array in fit({n}).to_arrays().items():
    print(name, array.tobytes().hex())
"""
    for some in (140, 146, n - 1):
        fit(some)
    grown = fit(n).to_arrays()
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    at_once = dict(line.split() for line in run.stdout.splitlines())
    assert {name: array.tobytes().hex() for name, array in grown.items()} == at_once


def test_a_label_more_costs_one_fit_which_goes_on_from_the_milestone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fits = list[tuple[bool, str]]()
    fit_whole = LogisticRegression.fit

    def watched(self: Any, rows: Any, *rest: Any, **options: Any) -> Any:
        fits.append((self.warm_start, rows.dtype.name))
        return fit_whole(self, rows, *rest, **options)

    monkeypatch.setattr(LogisticRegression, "fit", watched)
    pool = [*TEXTS, "of this test alone"]  # so that no other has been here
    before = SklearnTextClassifier().fit(TEXTS[:146], LABELS[:146], unlabeled=pool)
    assert fits == [(False, "float32")] * 6  # five folds, and all of them
    fits.clear()
    after = SklearnTextClassifier().fit(TEXTS[:147], LABELS[:147], unlabeled=pool)
    assert fits == [(True, "float32")]
    # Not even a copy: the vocabulary was not learned again.
    assert after.to_arrays()["hashes"] is before.to_arrays()["hashes"]


def test_directions_weigh_less_the_more_labels_there_are() -> None:
    representation = Representation.learn(TEXTS, TEXTS, n_components=5, seed=0)
    weights = [float(Layout.of((), TEXTS[:n], representation).rows.weight) for n in (1, 180, 400)]
    assert weights[0] == weights[1] == 2
    assert weights[2] == pytest.approx(2 * np.sqrt(200 / 372))  # a milestone


def test_examples_up_to_a_milestone_are_laid_out_once() -> None:
    representation = Representation.learn(TEXTS, TEXTS, n_components=5, seed=0)
    first, second = (Layout.of((), TEXTS[:146], representation) for _ in range(2))
    assert first.rows is second.rows


@pytest.mark.slow
def test_trainings_past_many_milestones_hold_no_more_memory_than_the_last_of_them() -> None:
    def held_after(*counts: int) -> int:
        script = f"""
import gc, tracemalloc
from tests.unit.test_growth import fit
fit(30)  # so that all that is imported is there
gc.collect()
tracemalloc.start()
for n in {list(counts)}:
    fit(n)
gc.collect()
print(tracemalloc.get_traced_memory()[0])
"""
        command = [sys.executable, "-c", script]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert held_after(281, 309, 339, 372) < 1.3 * held_after(372)  # all are milestones


@pytest.mark.parametrize("n", [146, FEW_EXAMPLES + 50])
def test_what_is_added_after_a_milestone_is_learned(n: int) -> None:
    texts = [*map(text, range(n)), *(f"zebra {i}" for i in range(10))]
    labels = [*map(label_of, range(n)), *["zoo"] * 10]
    model = SklearnTextClassifier().fit(texts, labels, unlabeled=TEXTS)
    assert model.predict(["a zebra", "cheap pills"]).tolist() == ["zoo", "spam"]


@pytest.mark.parametrize("names", [{}, {"zoo": ["a zebra"], "spam": ["call"]}])
def test_where_all_labels_but_one_have_come_since_a_milestone_all_texts_are_measured(
    names: dict[str, list[str]],
) -> None:
    zebras = [f"zebra {n}" for n in range(8)]
    texts, labels = [*TEXTS[:100], *zebras], ["spam"] * 100 + ["zoo"] * 8
    model = SklearnTextClassifier().fit(texts, labels, unlabeled=TEXTS, label_names=names)
    assert model.predict(["zebra", TEXTS[0]]).tolist() == ["zoo", "spam"]
    assert (left_out(model)[100:].argmax(axis=1) == 1).all()


def test_every_text_is_measured_by_a_fit_that_did_not_see_it() -> None:
    measured = left_out(SklearnTextClassifier().fit(TEXTS[:155], LABELS[:155], unlabeled=TEXTS))
    assert np.isfinite(measured).all()
    right = measured.argmax(axis=1) == [LABELS[i] == "spam" for i in range(155)]
    assert right[[i for i in range(155) if i % 8]].mean() > 0.8
    assert right[::8].mean() < 0.4  # those that mislead: seen, they would be right


def test_a_text_like_one_before_the_milestone_is_not_measured() -> None:
    texts, labels = [*TEXTS[:146], TEXTS[0], "one more"], [*LABELS[:146], "ham", "ham"]
    measured = left_out(SklearnTextClassifier().fit(texts, labels))
    assert np.isnan(measured[146]).all()
    assert np.isfinite(measured[147]).all()


def test_of_many_examples_the_penalty_is_chosen_on_one_fold() -> None:
    many = range(FEW_EXAMPLES + 100)
    texts, labels = [*map(text, many)], [*map(label_of, many)]
    model = SklearnTextClassifier(C="auto", random_state=7).fit(texts, labels)
    assert model.C_ in {1, 3, 10, 30, 100}
    assert np.isfinite(left_out(model)).all()
