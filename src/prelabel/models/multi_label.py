"""Texts with any number of labels: one logistic regression a label, over the same features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from prelabel.errors import NotEnoughLabelsError
from prelabel.models.arrays import Matrix
from prelabel.models.base import Arrays, MultiLabelModel
from prelabel.models.calibration import are_clearly_worse
from prelabel.models.common_words import known_names
from prelabel.models.estimator import SetEstimator
from prelabel.models.examples import Examples
from prelabel.models.growth import Layout, learn
from prelabel.models.inputs import (
    read_columns,
    read_labels,
    read_names,
    read_sets,
    read_texts,
    read_weights,
    to_array,
)
from prelabel.models.name_texts import NamePairs, find_name_texts
from prelabel.models.regression import Linear
from prelabel.models.representation import Representation
from prelabel.models.scoring import LinearScores
from prelabel.models.side_by_side import LabeledSets, SideBySide, find_spoken_for, mark
from prelabel.models.tensors import check_arrays
from prelabel.models.threads import one_thread
from prelabel.models.thresholds import tune_thresholds, tune_without_each


class SklearnMultiLabelClassifier(SetEstimator, MultiLabelModel):
    """One-vs-rest logistic regression over the features of `SklearnTextClassifier`.

    Each label is told from its absence, by itself; what is learned of the texts is shared, and so
    is what turns scores into probabilities. A label is chosen from a threshold on, by which the F1
    on examples left out is the best. A label that no text has yet is learned from its name alone.

    >>> model = SklearnMultiLabelClassifier()
    >>> model = model.fit(["late and cold", "late", "cold", "fine"],
    ...                   [("late", "cold"), ("late",), ("cold",), ()])
    >>> model.classes_.tolist()
    ['cold', 'late']
    >>> model.predict(["so late", "fine"]).tolist()
    [[0, 1], [0, 0]]

    Parameters
    ----------
    C, n_components, random_state
        As of `SklearnTextClassifier`.

    Attributes
    ----------
    classes_
        Labels it can predict, sorted; an array: those that a text has, and those that none has, if
        one of the project's texts has a word of its name. A label that all texts have is predicted
        of each: nothing tells it from its absence. Fitted on a table, the numbers of its columns:
        of all of them, and an empty one is predicted of no text.
    thresholds_
        From which probability on each label is chosen, shape (len(classes_),).
    out_of_fold_
        Probabilities of the examples, shape (len(texts), len(classes_)), by models that did not
        see them or an equal text. NaN where there is none. A stored model has none.
    """

    classes_: npt.NDArray[Any]

    def fit(
        self,
        texts: Iterable[str],
        labels: Iterable[Collection[Any]],
        *,
        unlabeled: Iterable[str] | None = None,
        label_names: Mapping[str, Sequence[str]] | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from ``texts[i]`` having all of ``labels[i]``, which may be none; return self.

        Labels may be a table, too, as scikit-learn has them: an array of shape (len(texts),
        labels), dense or sparse, or a data frame, of zeros and ones.

        Raises
        ------
        NotEnoughLabelsError
            If no label tells any two texts apart.
        ValueError
            If a parameter, a text, a label or a weight is none.
        """
        self.require_parameters()
        pool = [] if unlabeled is None else read_texts(unlabeled)
        sets, names = read_sets(labels), read_names(label_names)
        columns = read_columns(labels)
        read_labels(list(set(chain(columns, names, *sets))))  # of one kind
        with one_thread():
            return self._fit(read_texts(texts), sets, pool, names, sample_weight, columns=columns)

    def _fit(
        self, texts: Sequence[str], sets: Sequence[frozenset[Any]], unlabeled: Sequence[str],
        label_names: Mapping[str, Sequence[str]], sample_weight: npt.ArrayLike | None, *,
        columns: Collection[int],
    ) -> Self:  # fmt: skip
        representation = Representation.learn(
            texts, unlabeled, n_components=self.n_components, seed=self.random_state
        )
        names = known_names(label_names, representation)
        given = read_weights(sample_weight, n_texts=len(texts), n_labels=len(sets))
        counting = np.flatnonzero(given).tolist()
        classes = _tell_apart([sets[i] for i in counting], {*names, *columns})
        lesson = LabeledSets(
            texts=texts, truths=mark(sets, classes), weights=given, classes=classes,
            representation=representation, spoken_for=find_spoken_for(label_names), named=names,
        )  # fmt: skip
        name_texts = find_name_texts(
            names, {*label_names, *classes}, [texts[i] for i in counting], representation
        )
        learned = self._learn_with_names(lesson, names, name_texts)
        representation.forget_tokens()
        self.classes_ = to_array(classes)
        self._scores = LinearScores(
            representation.features, learned.linear.coefficients, learned.linear.intercept
        )
        self.out_of_fold_ = _sigmoid(learned.scores)
        # What a fit of one answer is certain of says nothing of thresholds.
        telling = np.where(np.isfinite(learned.scores), self.out_of_fold_, np.float32(np.nan))
        self.thresholds_ = tune_thresholds(telling, lesson.truths)
        self.thresholds_out_of_fold_ = tune_without_each(telling, lesson.truths, texts)
        return self

    def _learn_with_names(
        self, lesson: LabeledSets, names: Mapping[str, str], name_texts: NamePairs
    ) -> SideBySide:
        """Learn with what names speak for, unless that is other than what people mean."""
        learned = self._learn(lesson, [*names.items()])
        if not name_texts:
            return learned
        spoken = self._learn(lesson, [*names.items(), *name_texts])
        is_worse = are_clearly_worse(spoken.losses(lesson), learned.losses(lesson))
        return learned if is_worse else spoken

    def _learn(self, lesson: LabeledSets, names: Sequence[tuple[str, str]]) -> SideBySide:
        """Learn each label by itself; calibrate them together."""
        shape = (lesson.representation.features.n_features, len(lesson.classes))
        linear = Linear(np.zeros(shape, np.float32), np.zeros(shape[1], np.float32))
        scores = np.full(lesson.truths.shape, np.nan, np.float32)
        spoken = [(lesson.spoken_for[label], text) for label, text in names]
        of_labels = [
            Examples.of_one_label(lesson.texts, has_it.tolist(), lesson.weights, spoken, label)
            for label, has_it in zip(lesson.classes, lesson.truths.T, strict=True)
        ]
        layout = Layout.of(of_labels[0].names, of_labels[0].texts, lesson.representation)
        for column in np.flatnonzero(lesson.certain == 0):
            examples = of_labels[column]
            learned = learn(examples, layout, C=self.C, seed=self.random_state)
            linear.coefficients[:, column] = _difference(learned.linear.coefficients)
            linear.intercept[column] = _difference(learned.linear.intercept[None])[0]
            scores[examples.positions, column] = _difference(learned.scores)
        return SideBySide(linear, scores).calibrate(lesson).add_certainties(lesson)

    def predict_proba(self, texts: Iterable[str]) -> Matrix:
        """Probability of each label, shape (len(texts), len(classes_)); they are independent."""
        return _sigmoid(self.decision_function(texts))

    def decision_function(self, texts: Iterable[str]) -> Matrix:
        """Log-odds of each label, shape (len(texts), len(classes_))."""
        self.require_fit()
        return self._scores(read_texts(texts))

    def predict(self, texts: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return 1 for each label that is chosen, else 0, shape (len(texts), len(classes_)).

        So do scikit-learn's classifiers of several labels. A label is chosen whose probability
        reaches its threshold.
        """
        return (self.predict_proba(texts) >= self.thresholds_).astype(np.int64)

    def to_arrays(self) -> Arrays:
        """``coefficients`` (features, classes), ``intercept``, ``thresholds``, the vocabulary."""
        self.require_fit()
        return {"thresholds": self.thresholds_, **self._scores.to_arrays()}

    @classmethod
    def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
        """Rebuild what `to_arrays` gave, without copying; raise `ArtifactError` if it cannot."""
        model = cls()
        model.classes_ = to_array(classes)
        model._scores = LinearScores.from_arrays(arrays, len(classes))
        check_arrays(arrays, {"thresholds": (len(classes),)})
        model.thresholds_ = arrays["thresholds"]
        return model


def _tell_apart(sets: Sequence[frozenset[Any]], others: Collection[Any]) -> tuple[Any, ...]:
    """Return the labels that can be learned, from texts or from their names alone.

    Parameters
    ----------
    others
        Labels that need no text.
    """
    counts = Counter(label for chosen in sets for label in chosen)
    if all(n == len(sets) for n in counts.values()):
        raise NotEnoughLabelsError(counts)
    return tuple(sorted({*counts, *others}))


def _difference(of_two: Matrix) -> Matrix:
    found: Matrix = of_two[:, 1] - of_two[:, 0]
    return found


def _sigmoid(scores: Matrix) -> Matrix:
    with np.errstate(over="ignore"):  # infinity is what is meant: its inverse is 0
        found: Matrix = np.reciprocal(1 + np.exp(-scores), dtype=np.float32)
    return found
