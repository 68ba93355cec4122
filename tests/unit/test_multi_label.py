from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from prelabel.errors import ArtifactError, NotEnoughLabelsError
from prelabel.models.base import labels_of
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from prelabel.models.side_by_side import mark

TOPICS = {
    "sports": "goal match team coach league striker",
    "cooking": "oven butter soup garlic dough whisk",
    "money": "bank loan interest market shares bond",
}


def make(n: int) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return texts of none, one or two topics, and which."""
    random = np.random.default_rng(1)
    sets = [(), *((t,) for t in TOPICS), *itertools.combinations(TOPICS, 2)]
    chosen = [sets[i % len(sets)] for i in range(n)]
    texts = []
    for labels in chosen:
        words = " ".join(["today", "we", *(TOPICS[label] for label in labels)]).split()
        texts.append(" ".join(random.permutation(words)[: 4 + 3 * len(labels)]))
    return texts, chosen


@pytest.fixture(scope="module")
def model() -> SklearnMultiLabelClassifier:
    return SklearnMultiLabelClassifier().fit(*make(70))


def test_texts_may_have_no_label_one_or_two(model: SklearnMultiLabelClassifier) -> None:
    assert model.classes_.tolist() == ["cooking", "money", "sports"]
    texts = [
        "we saw the match and the striker",
        "soup with butter while the bank opens",
        "today we",
    ]
    found = model.predict_proba(texts) >= model.thresholds_
    assert found.tolist() == [[False, False, True], [True, True, False], [False, False, False]]


def test_every_example_is_measured_by_a_fit_that_had_not_seen_it(
    model: SklearnMultiLabelClassifier,
) -> None:
    assert model.out_of_fold_ is not None
    assert model.out_of_fold_.shape == (70, 3)
    _, sets = make(70)
    truths = np.array([[label in chosen for label in model.classes_] for chosen in sets])
    thresholds = model.thresholds_out_of_fold_
    assert thresholds is not None
    assert thresholds.shape == truths.shape
    assert ((model.out_of_fold_ >= thresholds) == truths).mean() > 0.9


def test_it_comes_back_from_its_arrays(model: SklearnMultiLabelClassifier) -> None:
    again = SklearnMultiLabelClassifier.from_arrays(model.to_arrays(), labels_of(model))
    texts = ["the goal", "butter", ""]
    np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(texts))
    np.testing.assert_array_equal(again.thresholds_, model.thresholds_)


@pytest.mark.parametrize("name", ["coefficients", "intercept", "thresholds"])
def test_arrays_that_do_not_fit_are_refused(model: SklearnMultiLabelClassifier, name: str) -> None:
    arrays = {key: array for key, array in model.to_arrays().items() if key != name}
    with pytest.raises(ArtifactError, match=name):
        SklearnMultiLabelClassifier.from_arrays(arrays, labels_of(model))


def test_the_same_again_gives_the_same_arrays(model: SklearnMultiLabelClassifier) -> None:
    again = SklearnMultiLabelClassifier().fit(*make(70))
    for name, array in again.to_arrays().items():
        np.testing.assert_array_equal(array, model.to_arrays()[name])


def fit_named(n: int) -> SklearnMultiLabelClassifier:
    texts, sets = make(160)
    names = {topic: words.split()[:2] for topic, words in TOPICS.items()}
    pool = [f"{text} {i}" for i, text in enumerate(texts)]
    return SklearnMultiLabelClassifier().fit(texts[:n], sets[:n], unlabeled=pool, label_names=names)


def test_growing_text_by_text_gives_what_learning_at_once_gives() -> None:
    script = """
from tests.unit.test_multi_label import fit_named
for name, array in fit_named(150).to_arrays().items():
    print(name, array.tobytes().hex())
"""
    for n in (140, 146, 149):  # 146 is a milestone
        fit_named(n)
    grown = {name: array.tobytes().hex() for name, array in fit_named(150).to_arrays().items()}
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert grown == dict(line.split() for line in run.stdout.splitlines())


@pytest.mark.parametrize("n", [104, 110])  # 100 and 110 are milestones
@pytest.mark.parametrize("others", [(), ("often",)])
def test_a_label_that_first_tells_texts_apart_after_a_milestone_is_learned(
    n: int, others: tuple[str, ...]
) -> None:
    texts, sets = make(n)
    sets = [(*chosen, *others) for chosen in sets]
    texts[102], sets[102] = "the zebra", ("zoo",)
    model = SklearnMultiLabelClassifier().fit(texts, sets)
    assert {"zoo", *others} < set(model.classes_)
    found = dict(zip(model.classes_, model.predict_proba(["a zebra", "a goal"]).T, strict=True))
    assert found["zoo"][0] > found["zoo"][1]


def test_a_label_that_all_texts_have_is_predicted_of_each_by_laplaces_rule() -> None:
    model = SklearnMultiLabelClassifier().fit(["a cat", "a dog"], [("x", "y"), ("x",)])
    assert model.classes_.tolist() == ["x", "y"]
    np.testing.assert_allclose(model.predict_proba(["a cat", "", "zebra"])[:, 0], 3 / 4)


def test_a_label_that_all_texts_have_is_measured_with_the_others() -> None:
    texts, sets = make(70)
    model = SklearnMultiLabelClassifier().fit(texts, [(*chosen, "all") for chosen in sets])
    same = SklearnMultiLabelClassifier().fit(texts, sets)
    assert model.classes_.tolist() == ["all", *same.classes_]
    assert model.out_of_fold_ is not None
    assert (model.out_of_fold_[:, 0] >= model.thresholds_[0]).all()
    others = model.predict_proba(texts)[:, 1:]
    np.testing.assert_array_equal(others, same.predict_proba(texts))


def test_a_label_with_a_single_example_is_measured_as_missed_with_all_that_have_it_not() -> None:
    texts, _ = make(40)
    sets = [("zoo",) if n == 7 else () for n in range(40)]
    found = SklearnMultiLabelClassifier().fit(texts, sets).out_of_fold_
    assert found is not None
    assert not np.isnan(found).any()
    assert found[7] == 0


def test_a_label_that_a_single_text_lacks_is_measured_as_chosen() -> None:
    texts, _ = make(40)
    sets = [() if n == 7 else ("zoo",) for n in range(40)]
    found = SklearnMultiLabelClassifier().fit(texts, sets).out_of_fold_
    assert found is not None
    assert not np.isnan(found).any()
    assert found[7] == 1


def test_where_no_two_texts_differ_nothing_is_learned() -> None:
    with pytest.raises(NotEnoughLabelsError):
        SklearnMultiLabelClassifier().fit(["a cat", "a dog"], [("x",), ("x",)])
    with pytest.raises(NotEnoughLabelsError):
        SklearnMultiLabelClassifier().fit(["a cat", "a dog"], [(), ()])


def test_a_label_without_an_example_is_learned_from_its_name_if_the_texts_have_it() -> None:
    texts, sets = make(42)
    others = [set(chosen) - {"money"} for chosen in sets]
    names = {"sports": ["sports"], "money": ["bank"], "nothing": ["xyzzy"]}
    model = SklearnMultiLabelClassifier().fit(
        texts, others, unlabeled=make(70)[0], label_names=names
    )
    assert model.classes_.tolist() == ["cooking", "money", "sports"]
    money = model.predict_proba(["the bank", "the team and the oven"])[:, 1]
    assert money[0] > 3 * money[1]


def test_what_speaks_for_a_label_speaks_for_what_is_called_all_that_it_is() -> None:
    texts, sets = make(12)
    cooking = [set(chosen) & {"cooking"} for chosen in sets]
    names = {"ball": ["match", "goal"], "goals": ["goal"], "money": ["bank"]}
    alone = {**names, "ball": ["match"]}
    told = [
        SklearnMultiLabelClassifier()
        .fit(texts, cooking, unlabeled=make(70)[0], label_names=some)
        .predict_proba(["goal", "bank"])[:, 0]
        for some in (names, alone)
    ]
    assert told[0][0] > 0.5 > told[0][1]
    assert told[1][0] < 0.5


def test_names_alone_do_not_make_a_lesson() -> None:
    with pytest.raises(NotEnoughLabelsError):
        SklearnMultiLabelClassifier().fit(
            ["a cat", "a dog"], [(), ()], label_names={"x": ["cat"], "y": ["dog"]}
        )


def test_labels_are_as_probable_as_they_are_frequent_whatever_their_names_say() -> None:
    texts, sets = make(70)
    names = {topic: words.split() for topic, words in TOPICS.items()}
    model = SklearnMultiLabelClassifier().fit(texts, sets, unlabeled=texts, label_names=names)
    assert model.out_of_fold_ is not None
    shares = [np.mean([label in chosen for chosen in sets]) for label in model.classes_]
    np.testing.assert_allclose(model.out_of_fold_.mean(axis=0), shares, atol=0.05)


def test_a_text_that_weighs_nothing_teaches_nothing() -> None:
    texts, sets = ["a cat", "a dog", "a cow"], [("x",), (), ("y",)]
    model = SklearnMultiLabelClassifier().fit(texts, sets, sample_weight=[1, 1, 0])
    assert model.classes_.tolist() == ["x"]


def test_it_predicts_a_table_as_scikit_learns_classifiers_of_several_labels(
    model: SklearnMultiLabelClassifier,
) -> None:
    texts = ["we saw the match", "soup while the bank opens", "today we"]
    found = model.predict(texts)
    assert found.tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert found.dtype == np.int64
    assert model.score(texts, [("sports",), ("cooking", "money"), ()]) == 1
    assert model.score(texts, [("sports",), ("money",), ("unheard of",)]) == 1 / 3
    assert model.score(texts, [("sports",), (), ()], sample_weight=[3, 1, 0]) == 3 / 4


@pytest.mark.parametrize("hold", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_labels_may_be_a_table(model: SklearnMultiLabelClassifier, hold: Any) -> None:
    texts, sets = make(70)
    table = mark(sets, ("cooking", "money", "sports"))
    of_table = SklearnMultiLabelClassifier().fit(texts, hold(table.astype(int)))
    assert of_table.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(of_table.predict_proba(texts), model.predict_proba(texts))
    assert of_table.score(texts, table) == model.score(texts, sets)


def test_an_empty_column_of_a_table_is_predicted_of_no_text() -> None:
    texts, sets = make(70)
    table = mark(sets, ("cooking", "nothing", "money", "sports"))
    model = SklearnMultiLabelClassifier().fit(texts, table)
    found, of_three = model.predict_proba(texts), table[:, [0, 2, 3]]
    assert model.classes_.tolist() == [0, 1, 2, 3]
    assert not model.predict(texts)[:, 1].any()
    np.testing.assert_allclose(found[:, 1], 1 / 72, rtol=1e-5)
    same = SklearnMultiLabelClassifier().fit(texts, of_three).predict_proba(texts)
    np.testing.assert_array_equal(found[:, [0, 2, 3]], same)


def test_a_table_of_other_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="expected zeros and ones"):
        SklearnMultiLabelClassifier().fit(["a cat", "a dog"], np.array([[0, 2], [1, 0]]))
