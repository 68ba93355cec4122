"""Texts with any number of labels: one logistic regression a label, over the same features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from prelabel.errors import NotEnoughLabelsError
from prelabel.models.base import Arrays, MultiLabelModel
from prelabel.models.calibration import are_clearly_worse
from prelabel.models.estimator import Estimator
from prelabel.models.examples import Examples
from prelabel.models.folded import check_arrays, known_names
from prelabel.models.growth import Layout, learn
from prelabel.models.inputs import (
    read_labels,
    read_names,
    read_sets,
    read_texts,
    read_weights,
)
from prelabel.models.name_texts import NamePairs, find_name_texts
from prelabel.models.regression import Linear, Matrix
from prelabel.models.representation import Representation
from prelabel.models.scoring import LinearScores
from prelabel.models.side_by_side import LabeledSets, SideBySide, find_spoken_for, mark
from prelabel.models.threads import one_thread
from prelabel.models.thresholds import tune_thresholds, tune_without_each


class SklearnMultiLabelClassifier(Estimator, MultiLabelModel):
    """One-vs-rest logistic regression over the features of `SklearnTextClassifier`.

    Each label is told from its absence, by itself; what is learned of the texts is shared, and so
    is what turns scores into probabilities. A label is chosen from a threshold on, by which the F1
    on examples left out is the best. A label that no text has yet is learned from its name alone.

    >>> model = SklearnMultiLabelClassifier()
    >>> model = model.fit(["late and cold", "late", "cold", "fine"],
    ...                   [("late", "cold"), ("late",), ("cold",), ()])
    >>> model.classes_
    ('cold', 'late')
    >>> (model.predict_proba(["so late"])[0] > 0.5).tolist()
    [False, True]

    Parameters
    ----------
    C, n_components, random_state
        As of `SklearnTextClassifier`.

    Attributes
    ----------
    classes_
        Labels it can predict, sorted: those that a text has, and those that none has, if one of
        the project's texts has a word of its name. A label that all texts have is predicted of
        each: nothing tells it from its absence.
    """

    classes_: tuple[str, ...]

    def __init__(
        self,
        *,
        C: float | Literal["auto"] = 10.0,  # noqa: N803 - as in scikit-learn
        n_components: int = 100,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.n_components = n_components
        self.random_state = random_state

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[Collection[str]],
        *,
        unlabeled: Iterable[str] | None = None,
        label_names: Mapping[str, Sequence[str]] | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from ``texts[i]`` having all of ``labels[i]``, which may be none; return self.

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
        read_labels(list(set(chain(names, *sets))))  # of one kind
        with one_thread():
            return self._fit(read_texts(texts), sets, pool, names, sample_weight)

    def _fit(
        self, texts: Sequence[str], sets: Sequence[frozenset[str]], unlabeled: Sequence[str],
        label_names: Mapping[str, Sequence[str]], sample_weight: npt.ArrayLike | None,
    ) -> Self:  # fmt: skip
        representation = Representation.learn(
            texts, unlabeled, n_components=self.n_components, seed=self.random_state
        )
        names = known_names(label_names, representation.features)
        given = read_weights(sample_weight, n_texts=len(texts), n_labels=len(sets))
        counting = np.flatnonzero(given).tolist()
        self.classes_ = _tell_apart([sets[i] for i in counting], names)
        lesson = LabeledSets(
            texts=texts,
            truths=mark(sets, self.classes_),
            weights=given,
            classes=self.classes_,
            representation=representation,
            spoken_for=find_spoken_for(label_names),
        )
        name_texts = find_name_texts(
            names, {*label_names, *self.classes_}, [texts[i] for i in counting], representation
        )
        learned = self._learn_with_names(lesson, names, name_texts)
        representation.forget_tokens()
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
        C = None if self.C == "auto" else self.C  # noqa: N806 - as in scikit-learn
        spoken = [(lesson.spoken_for[label], text) for label, text in names]
        of_labels = [
            Examples.of_one_label(lesson.texts, has_it.tolist(), lesson.weights, spoken, label)
            for label, has_it in zip(lesson.classes, lesson.truths.T, strict=True)
        ]
        layout = Layout.of(of_labels[0].names, of_labels[0].texts, lesson.representation)
        for column in np.flatnonzero(~lesson.always):
            examples = of_labels[column]
            learned = learn(examples, layout, C=C, seed=self.random_state)
            linear.coefficients[:, column] = _difference(learned.linear.coefficients)
            linear.intercept[column] = _difference(learned.linear.intercept[None])[0]
            scores[examples.positions, column] = _difference(learned.scores)
        return SideBySide(linear, scores).calibrate(lesson).add_certainties(lesson)

    def predict_proba(self, texts: Sequence[str]) -> Matrix:
        """Probability of each label, shape (len(texts), len(classes_)); they are independent."""
        self.require_fit()
        return _sigmoid(self._scores(read_texts(texts)))

    def to_arrays(self) -> Arrays:
        """``coefficients`` (features, classes), ``intercept``, ``thresholds``, the vocabulary."""
        self.require_fit()
        return {"thresholds": self.thresholds_, **self._scores.to_arrays()}

    @classmethod
    def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
        """Rebuild what `to_arrays` gave, without copying; raise `ArtifactError` if it cannot."""
        model = cls()
        model.classes_ = tuple(classes)
        model._scores = LinearScores.from_arrays(arrays, len(classes))
        check_arrays(arrays, {"thresholds": (len(classes),)})
        model.thresholds_ = arrays["thresholds"]
        return model


def _tell_apart(sets: Sequence[frozenset[str]], names: Collection[str]) -> tuple[str, ...]:
    """Return the labels that can be learned, from texts or from their names alone."""
    counts = Counter(label for chosen in sets for label in chosen)
    if all(n == len(sets) for n in counts.values()):
        raise NotEnoughLabelsError(counts)
    return tuple(sorted({*counts, *names}))


def _difference(of_two: Matrix) -> Matrix:
    found: Matrix = of_two[:, 1] - of_two[:, 0]
    return found


def _sigmoid(scores: Matrix) -> Matrix:
    with np.errstate(over="ignore"):  # infinity is what is meant: its inverse is 0
        found: Matrix = np.reciprocal(1 + np.exp(-scores), dtype=np.float32)
    return found
