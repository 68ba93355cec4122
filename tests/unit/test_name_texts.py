from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from prelabel.models.folded import known_names
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.name_texts import find_name_texts
from prelabel.models.representation import Representation

WORDS = {
    "Sports": ["striker", "goal", "coach", "league", "keeper", "referee"],
    "Money": ["shares", "bank", "profit", "dollar", "broker", "bond"],
    "Travel": ["beach", "hotel", "flight", "luggage", "island", "visa"],
}


def write_text(i: int) -> str:
    """A text of one subject; one in ten names it."""
    label = sorted(WORDS)[i % 3]
    words = np.random.default_rng(i).choice(WORDS[label], 4)
    return " ".join([*words, label.lower() if i % 10 == 0 else "today", str(i)])


POOL = [write_text(i) for i in range(300)]
NAMES = {label: [label] for label in WORDS}


def find(
    names: dict[str, list[str]], n_labels: int = 3, labeled: tuple[str, ...] = ()
) -> tuple[tuple[str, str], ...]:
    representation = Representation.learn([], POOL, n_components=20, seed=0)
    return find_name_texts(
        known_names(names, representation.features), n_labels, labeled, representation
    )


def test_names_speak_for_texts_that_have_none_of_their_words() -> None:
    found = find(NAMES)
    assert len(set(Counter(label for label, _ in found).values())) == 1
    unnamed = [(label, text) for label, text in found if label.lower() not in text]
    right = [any(word in text for word in WORDS[label]) for label, text in unnamed]
    assert len(right) > 20
    assert np.mean(right) > 0.95


def test_what_a_person_labeled_is_left_to_them() -> None:
    (_, first), *others = find(NAMES)
    assert list(find(NAMES, labeled=(first,))) == others


@pytest.mark.parametrize(
    ("names", "n_labels", "labeled"),
    [
        ({"Sports": ["Sports"]}, 1, ()),
        (NAMES, 4, ()),  # one label of four has no name the texts know
        ({"1": ["11"], "2": ["22"], "3": ["33"]}, 3, ()),  # in texts, but no words
        (NAMES, 3, tuple(f"another {i}" for i in range(600))),
    ],
)
def test_names_that_cannot_divide_the_texts_speak_for_none(
    names: dict[str, list[str]], n_labels: int, labeled: tuple[str, ...]
) -> None:
    assert find(names, n_labels, labeled) == ()


@pytest.mark.parametrize(
    ("names", "speak"),
    [(NAMES, True), ({**NAMES, "Weather": ["Weather"]}, False), ({"Sports": ["Sports"]}, False)],
)
def test_whether_names_speak_is_told_before_anything_is_fitted(
    names: dict[str, list[str]], *, speak: bool
) -> None:
    assert SklearnTextClassifier().names_speak(names, POOL) is speak
    assert not SklearnTextClassifier().names_speak(names, [])


def test_before_the_first_label_texts_without_a_name_are_told_apart() -> None:
    model = SklearnTextClassifier().fit([], [], unlabeled=POOL, label_names=NAMES)
    assert model.temperature_ == 0.7
    predicted = model.predict(["the striker and the keeper", "a dollar bond", "an island beach"])
    assert predicted.tolist() == ["Sports", "Money", "Travel"]


def test_labels_that_contradict_the_names_win() -> None:
    of = dict(zip(sorted(WORDS), ["Travel", "Sports", "Money"], strict=True))
    labels = [of[sorted(WORDS)[i % 3]] for i in range(60)]
    model = SklearnTextClassifier().fit(POOL[:60], labels, unlabeled=POOL, label_names=NAMES)
    right = model.predict(POOL[60:]) == [of[sorted(WORDS)[i % 3]] for i in range(60, 300)]
    assert right.mean() > 0.95
