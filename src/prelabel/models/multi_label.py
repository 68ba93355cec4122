"""Texts with any number of labels: one logistic regression a label, over the same features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from prelabel.errors import NotEnoughLabelsError
from prelabel.models.base import Arrays, MultiLabelModel
from prelabel.models.examples import Examples
from prelabel.models.folded import check_arrays, known_names
from prelabel.models.growth import Layout, learn
from prelabel.models.regression import Matrix
from prelabel.models.representation import Representation
from prelabel.models.scoring import LinearScores

_CANDIDATES = np.linspace(0.1, 0.9, 33)
_FEWEST_TEXTS = 20  # of a label, for a threshold of its own
_EMPTY_SAYS_NOTHING = np.float32(0.5)


class SklearnMultiLabelClassifier(MultiLabelModel):
    """One-vs-rest logistic regression over the features of `SklearnTextClassifier`.

    Each label is told from its absence, by itself, with probabilities calibrated by themselves;
    what is learned of the texts is shared. A label is chosen from a threshold on, by which the F1
    on examples left out is the best.

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
        Labels it can predict, sorted: those that some texts have and others have not.
    """

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
        """
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415

        with threadpool_limits(limits=1):
            return self._fit(texts, labels, list(unlabeled or ()), label_names or {}, sample_weight)

    def _fit(
        self, texts: Sequence[str], labels: Sequence[Collection[str]], unlabeled: Sequence[str],
        label_names: Mapping[str, Sequence[str]], sample_weight: npt.ArrayLike | None,
    ) -> Self:  # fmt: skip
        representation = Representation.learn(
            texts, unlabeled, n_components=self.n_components, seed=self.random_state
        )
        names = known_names(label_names, representation.features)
        sets = [frozenset(chosen) for chosen in labels]
        self.classes_ = _tell_apart(sets)
        shape = (representation.features.n_features, len(self.classes_))
        coefficients = np.empty(shape, np.float32)
        intercept = np.empty(len(self.classes_), np.float32)
        self.out_of_fold_ = np.full((len(texts), len(self.classes_)), np.nan, np.float32)
        of_labels = [
            Examples.of_one_label(texts, [label in s for s in sets], sample_weight, names, label)
            for label in self.classes_
        ]
        layout = Layout.of(of_labels[0].names, of_labels[0].texts, representation)
        for column, examples in enumerate(of_labels):
            C = None if self.C == "auto" else self.C  # noqa: N806 - as in scikit-learn
            learned = learn(examples, layout, C=C, seed=self.random_state)
            coefficients[:, column] = _difference(learned.linear.coefficients)
            intercept[column] = _difference(learned.linear.intercept[None])[0]
            found = _sigmoid(_difference(learned.scores))
            self.out_of_fold_[examples.positions, column] = found
        representation.forget_tokens()
        self._scores = LinearScores(representation.features, coefficients, intercept)
        self.thresholds_ = tune_thresholds(
            self.out_of_fold_, np.array([[label in s for label in self.classes_] for s in sets])
        )
        return self

    def predict_proba(self, texts: Sequence[str]) -> Matrix:
        """Probability of each label, shape (len(texts), len(classes_)); they are independent."""
        return _sigmoid(self._scores(texts))

    def to_arrays(self) -> Arrays:
        """``coefficients`` (features, classes), ``intercept``, ``thresholds``, the vocabulary."""
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


def tune_thresholds(probabilities: Matrix, truths: npt.NDArray[np.bool_]) -> Matrix:
    """Return from which probability on each label is best chosen, shape (classes,).

    The best is what gives the highest F1: of a label by itself if 20 measured examples have it, of
    all labels together if fewer do. 0.5 where nothing was measured.

    Parameters
    ----------
    probabilities
        Of examples left out, shape (examples, classes); NaN where there is none.
    truths
        Whether the example has the label, of the same shape.
    """
    n_classes = probabilities.shape[1]
    chosen = np.full(n_classes, _EMPTY_SAYS_NOTHING, np.float32)
    is_known = ~np.isnan(probabilities)
    if not is_known.any():
        return chosen
    counts = np.array([_count(probabilities, truths & is_known, t) for t in _CANDIDATES])
    chosen[:] = _best(counts.sum(axis=2))
    for column in np.flatnonzero((truths & is_known).sum(axis=0) >= _FEWEST_TEXTS):
        chosen[column] = _best(counts[:, :, column])
    return chosen


def _count(
    probabilities: Matrix, truths: npt.NDArray[np.bool_], threshold: float
) -> npt.NDArray[np.int64]:
    """Right ones, chosen ones and those that there are, of each label, shape (3, classes)."""
    chosen = probabilities >= threshold  # nothing is, of NaN
    return np.stack([(chosen & truths).sum(0), chosen.sum(0), truths.sum(0)])


def _best(counts: npt.NDArray[np.int64]) -> float:
    right, chosen, there = counts.T
    f1 = 2 * right / np.maximum(1, chosen + there)
    # Of equally good ones, the middle: examples left out are few.
    return float(np.median(_CANDIDATES[f1 >= f1.max() - 1e-9])) if f1.max() > 0 else 0.5


def _tell_apart(sets: Sequence[frozenset[str]]) -> tuple[str, ...]:
    counts = Counter(label for chosen in sets for label in chosen)
    found = tuple(sorted(label for label, n in counts.items() if n < len(sets)))
    if not found:
        raise NotEnoughLabelsError(counts)
    return found


def _difference(of_two: Matrix) -> Matrix:
    found: Matrix = of_two[:, 1] - of_two[:, 0]
    return found


def _sigmoid(scores: Matrix) -> Matrix:
    with np.errstate(over="ignore"):  # infinity is what is meant: its inverse is 0
        found: Matrix = np.reciprocal(1 + np.exp(-scores), dtype=np.float32)
    return found
