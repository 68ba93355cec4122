"""Sets of any number of labels a text: who learns them, and what is measured.

The reference cannot: it learns the first label of each annotation, and predicts one label a text.
It stands here with what it would take: its features, and its regression once a label.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from data_sets import DataSet, Names
from one_label import WITHOUT, make_vectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from prelabel.errors import NotEnoughLabelsError
from prelabel.loop.set_evaluation import evaluate_sets
from prelabel.models.multi_label import SklearnMultiLabelClassifier

METRICS = ("micro-F1", "macro-F1", "log-loss of a label", "ECE of a label", "CPU seconds to fit")

Labels = tuple[str, ...]
Probabilities = npt.NDArray[np.floating]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What was learned.

    Attributes
    ----------
    thresholds
        From which probability on a label is chosen: one for each of the classes, or for all.
    """

    classes: Sequence[str]
    predict: Callable[[Sequence[str]], Probabilities]
    thresholds: Probabilities | float = 0.5


Learner = Callable[[DataSet[Labels], Sequence[str], Sequence[Labels]], Fitted]
"""Learns from texts and their labels, and from what else the set tells."""


def learn_reference(
    data: DataSet[Labels],  # noqa: ARG001 - as all learners
    texts: Sequence[str],
    labels: Sequence[Labels],
) -> Fitted:
    """Fit the reference's regression once a label."""
    if not any(labels):
        raise NotEnoughLabelsError({})
    vectorizer, sets = make_vectorizer(), MultiLabelBinarizer()
    model = OneVsRestClassifier(LogisticRegression(C=10))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Label .* is present in all training examples")
        model.fit(vectorizer.fit_transform(texts), sets.fit_transform(labels))
    return Fitted(
        classes=sets.classes_, predict=lambda some: model.predict_proba(vectorizer.transform(some))
    )


def ours(
    *, pool: bool = True, names: Names | None = DataSet.list_names, n_components: int = 100
) -> Learner:
    """Return prelabel's learner, with or without an ingredient."""

    def learn(data: DataSet[Labels], texts: Sequence[str], labels: Sequence[Labels]) -> Fitted:
        model = SklearnMultiLabelClassifier(n_components=n_components).fit(
            texts,
            labels,
            unlabeled=data.texts if pool else None,
            label_names=names(data) if names else None,
        )
        return Fitted(
            classes=model.classes_, predict=model.predict_proba, thresholds=model.thresholds_
        )

    return learn


LEARNERS: dict[str, Learner] = {"reference": learn_reference, "prelabel": ours()}
ABLATION: dict[str, Learner] = {
    without: ours(**ingredients) for without, ingredients in WITHOUT.items()
}


def measure(
    learner: Learner, data: DataSet[Labels], texts: Sequence[str], labels: Sequence[Labels]
) -> list[float]:
    """Return the `METRICS` of a learner given these labels; nothing is chosen where it cannot."""
    start = time.process_time()
    try:
        fitted = learner(data, texts, labels)
    except NotEnoughLabelsError:
        fitted = Fitted(classes=(), predict=lambda some: np.empty((len(some), 0)))
    seconds = time.process_time() - start
    return [*_score(fitted, data), seconds]


def _score(fitted: Fitted, data: DataSet[Labels]) -> list[float]:
    column = {str(label): i for i, label in enumerate(data.label_names)}
    of_classes = [column[label] for label in fitted.classes]
    found = np.zeros((len(data.test_texts), len(column)))  # what is not known is not expected
    chosen = np.zeros(found.shape, bool)
    found[:, of_classes] = fitted.predict(data.test_texts)
    chosen[:, of_classes] = found[:, of_classes] >= fitted.thresholds
    measured = evaluate_sets(data.test_labels, data.label_names, found, chosen)
    assert measured  # noqa: S101 - there are tests
    return [measured.micro_f1, measured.macro_f1, measured.log_loss, measured.ece]
