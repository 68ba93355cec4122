"""Sets of one label a text: who learns them, and what is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from data_sets import DataSet, Names
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from prelabel.errors import NotEnoughLabelsError
from prelabel.loop.evaluation import evaluate
from prelabel.models.logistic import SklearnTextClassifier

METRICS = ("accuracy", "macro-F1", "log-loss", "ECE", "CPU seconds to fit")

Probabilities = npt.NDArray[np.floating]
Fitted = tuple[Sequence[str], Callable[[Sequence[str]], Probabilities]]
"""Classes, and what gives their probabilities."""


class Ingredients(TypedDict, total=False):
    """What a learner of prelabel can do with or without."""

    pool: bool
    names: Names | None
    n_components: int


Learner = Callable[[DataSet[str], Sequence[str], Sequence[str]], Fitted]
"""Learns from texts and their labels, and from what else the set tells."""


def make_vectorizer() -> TfidfVectorizer:
    """Return the reference's features."""
    # https://github.com/HumanSignal/label-studio-ml-backend/blob/d02cedf/label_studio_ml/examples/sklearn_text_classifier/model.py
    tokens = r"(?u)\b\w\w+\b|\w"
    return TfidfVectorizer(ngram_range=(1, 3), token_pattern=tokens)


def learn_reference(data: DataSet[str], texts: Sequence[str], labels: Sequence[str]) -> Fitted:
    """Fit as the reference does, with its default C; before the first label on the names."""
    texts, labels = (texts, labels) if texts else (data.label_names, data.label_names)
    vectorizer = make_vectorizer()
    model = LogisticRegression(C=10)
    model.fit(vectorizer.fit_transform(texts), labels)
    return model.classes_, lambda some: model.predict_proba(vectorizer.transform(some))


def ours(
    *,
    pool: bool = True,
    names: Names | None = DataSet.list_names,
    n_components: int = 100,
    **settings: object,
) -> Learner:
    """Return prelabel's learner, with or without an ingredient."""

    def learn(data: DataSet[str], texts: Sequence[str], labels: Sequence[str]) -> Fitted:
        model = SklearnTextClassifier(n_components=n_components, **settings)  # type: ignore[arg-type]
        model.fit(
            texts,
            labels,
            unlabeled=data.texts if pool else None,
            label_names=names(data) if names else None,
        )
        return model.classes_, model.predict_proba

    return learn


WITHOUT: Mapping[str, Ingredients] = {
    "without semantic directions": {"n_components": 0},
    "without unlabeled texts": {"pool": False},
    "without words of common names": {"names": DataSet.list_uncommon_names},
    "without label names": {"names": None},
    "without all three": {"pool": False, "names": None},
}
"""What is left out of a learner, and which arguments leave it out."""

LEARNERS: dict[str, Learner] = {"reference": learn_reference, "prelabel": ours()}
ABLATION: dict[str, Learner] = {
    **{without: ours(**ingredients) for without, ingredients in WITHOUT.items()},
    "50 semantic directions": ours(n_components=50),
    "200 semantic directions": ours(n_components=200),
    'C="auto"': ours(C="auto"),
}


def measure(
    learner: Learner, data: DataSet[str], texts: Sequence[str], labels: Sequence[str]
) -> list[float]:
    """Return the `METRICS` of a learner given these labels.

    What was learned from unlabeled texts is not in the time to fit: it serves many fits.
    """
    start = time.process_time()
    classes, predict = _learn(learner, data, texts, labels)
    seconds = time.process_time() - start
    return [*_score(classes, predict(data.test_texts), data.test_labels), seconds]


def _learn(
    learner: Learner, data: DataSet[str], texts: Sequence[str], labels: Sequence[str]
) -> Fitted:
    """Let a learner learn; guess where none can: a single label, or names that no text has."""
    if len(set(labels)) != 1:
        try:
            return learner(data, texts, labels)
        except NotEnoughLabelsError:
            if labels:
                raise
    classes = sorted(set(labels)) or data.label_names
    return classes, lambda some: np.full((len(some), len(classes)), 1 / len(classes))


def _score(
    classes: Sequence[str], probabilities: Probabilities, truth: Sequence[str]
) -> list[float]:
    measured = evaluate(truth, classes, probabilities, probabilities.argmax(axis=1))
    assert measured  # noqa: S101 - there are tests
    return [measured.accuracy, measured.macro_f1, measured.log_loss, measured.ece]
