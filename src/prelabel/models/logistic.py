"""The model that comes with prelabel: logistic regression over words and their meanings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from prelabel.errors import ArtifactError
from prelabel.models.base import Arrays, TextModel
from prelabel.models.calibration import Calibration, measure, not_measured
from prelabel.models.estimator import TextEstimator
from prelabel.models.examples import Examples, Floats, write_name
from prelabel.models.explanation import Explanation, explain
from prelabel.models.features import TfidfFeatures
from prelabel.models.ngrams import Integers
from prelabel.models.regression import Design, Matrix, Solver, lay_out
from prelabel.models.representation import Representation

_PENALTIES = (10.0, 1.0, 3.0, 30.0, 100.0)
"""What ``C="auto"`` chooses from; the first where nothing can be measured."""


class SklearnTextClassifier(TextEstimator, TextModel):
    """Multinomial logistic regression, fitted by scikit-learn, over `TfidfFeatures`.

    It learns from few labels: texts without labels show it which words belong together, and names
    of labels are its first examples. Only `fit` imports scikit-learn: a process that predicts
    starts three times as fast without it. The same arguments in the same order give the same
    model, bit for bit. It is a scikit-learn estimator, too.

    >>> model = SklearnTextClassifier()
    >>> model = model.fit(["cheap pills", "see you at six"], ["spam", "ham"])
    >>> model.classes_
    ('ham', 'spam')
    >>> model.predict(["cheap!"]).tolist()
    ['spam']

    Parameters
    ----------
    C
        Inverse strength of the L2 penalty on the coefficients; ``"auto"`` chooses it by log-loss
        on examples left out.
    n_components
        How many semantic directions are learned from unlabeled texts; 0 for none.
    calibrate
        Whether to soften or sharpen the probabilities so that they fit examples left out.
    predict_unseen
        Whether a label may be predicted for its name, while no example has it.
    random_state
        Seed of all that is drawn at random.

    Attributes
    ----------
    classes_
        Labels it can predict, sorted.
    C_
        The ``C`` used.
    temperature_
        By what calibration divided the scores; 1 without it.
    out_of_fold_
        Probabilities of the examples, shape (len(texts), len(classes_)), by models that did not
        see them or an equal text. NaN where there is none: all examples if they were too few to
        calibrate, and four in five above 1,200. None of a stored model.
    """

    def __init__(
        self,
        *,
        C: float | Literal["auto"] = 10.0,  # noqa: N803 - as in scikit-learn
        n_components: int = 100,
        calibrate: bool = True,
        predict_unseen: bool = False,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.n_components = n_components
        self.calibrate = calibrate
        self.predict_unseen = predict_unseen
        self.random_state = random_state

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        *,
        unlabeled: Iterable[str] | Representation | None = None,
        label_names: Mapping[str, Sequence[str]] | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from ``texts[i]`` having ``labels[i]``; return self.

        Parameters
        ----------
        unlabeled
            Texts of the project, or what was learned from them before: that takes seconds, the
            rest a fraction of one. ``n_components`` is that of the representation then.

        Raises
        ------
        NotEnoughLabelsError
            If there are not at least two different labels. Without any labels, two names of
            which ``unlabeled`` has words are enough.
        """
        examples = Examples.of(list(texts), list(labels), sample_weight)
        representation = self._represent(examples.texts, unlabeled)
        names = _known_names(label_names or {}, representation.features)
        examples = examples.with_names(names, weight=_name_weights, unseen=self.predict_unseen)
        examples.require_two_labels()
        self.classes_ = examples.classes
        tuned = self._learn(examples, representation)
        self.C_, self.temperature_ = tuned.solver.C, tuned.temperature
        self.out_of_fold_ = np.full((len(texts), len(self.classes_)), np.nan, np.float32)
        self.out_of_fold_[examples.positions] = _softmax(tuned.scores)
        return self

    def _represent(
        self, texts: Sequence[str], unlabeled: Iterable[str] | Representation | None
    ) -> Representation:
        if isinstance(unlabeled, Representation):
            return unlabeled
        others = tuple(dict.fromkeys(unlabeled or ()))
        known = set(texts)
        if known < set(others):  # labels are added, the texts stay: seconds are saved
            return _learn_pool(others, self.n_components, self.random_state)
        return Representation.learn(
            texts, others, n_components=self.n_components, seed=self.random_state
        )

    def _learn(self, examples: Examples, representation: Representation) -> Calibration:
        """Fit, then fold directions and temperature into one linear model over the features."""
        vectors = representation.features.transform(examples.texts)
        weight = _semantic_weight(examples.n_real)
        design = lay_out(vectors, weight * representation.space.transform(vectors))
        tuned = self._tune(design, examples)
        fitted = tuned.solver.fit(
            design.rows, examples.labels, examples.weights, n_classes=len(examples.classes)
        )
        of_vectors, of_coordinates = design.restore(fitted.coefficients)
        folded = representation.space.fold(weight * of_coordinates)
        temperature = np.float32(tuned.temperature)
        self._features = representation.features
        self._coefficients = np.ascontiguousarray((of_vectors + folded) / temperature)
        self._intercept = fitted.intercept / temperature
        if not examples.n_real:  # a name in many texts would win them all: let none start ahead
            self._intercept = -representation.mean @ self._coefficients
        return tuned

    def _tune(self, design: Design, examples: Examples) -> Calibration:
        penalties = _PENALTIES if self.C == "auto" else (self.C,)
        solvers = [Solver(C=penalty, seed=self.random_state) for penalty in penalties]
        if not self.calibrate and len(solvers) == 1:
            return not_measured(examples, solvers[0])
        tried = [measure(design, examples, solver) for solver in solvers]
        return min(tried, key=lambda measured: measured.log_loss)  # the first if nothing is known

    def predict_proba(self, texts: Sequence[str]) -> Matrix:
        """Probabilities, shape (len(texts), len(classes_)): finite, each row summing to 1."""
        scores = self._features.transform(texts) @ self._coefficients + self._intercept
        return _softmax(scores)

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.object_]:
        """Return the most probable label of each text, shape (len(texts),)."""
        best = self.predict_proba(texts).argmax(axis=1)
        labels: npt.NDArray[np.object_] = np.array(self.classes_, object)[best]
        return labels

    def explain(self, text: str) -> Explanation:
        """Return what each word of a text adds to the score of each label; it adds up exactly.

        >>> model = SklearnTextClassifier().fit(["cheap pills", "see you"], ["spam", "ham"])
        >>> explanation = model.explain("Cheap pills!")
        >>> explanation.words
        ('cheap', 'pills', '!')
        >>> bool(explanation.contributions[0, 1] > 0)  # "cheap" speaks for classes_[1], "spam"
        True
        """
        return explain(
            text,
            features=self._features,
            coefficients=self._coefficients,
            intercept=self._intercept,
        )

    def to_arrays(self) -> Arrays:
        """``coefficients`` (features, classes), ``intercept`` (classes,), and the vocabulary."""
        return {
            "coefficients": self._coefficients,
            "intercept": self._intercept,
            **self._features.to_arrays(),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
        """Rebuild what `to_arrays` gave, without copying; raise `ArtifactError` if it cannot."""
        model = cls()
        model.classes_ = tuple(classes)
        model._features = TfidfFeatures.from_arrays(arrays)
        expected = {
            "coefficients": (model._features.n_features, len(classes)),
            "intercept": (len(classes),),
        }
        for name, shape in expected.items():
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != np.float32:
                received = "missing" if array is None else f"{array.dtype}{array.shape}"
                raise ArtifactError(
                    f"The array {name} is {received}",
                    expected=f"float32{shape}",
                    fix="Train the project again.",
                )
        model._coefficients, model._intercept = arrays["coefficients"], arrays["intercept"]
        return model


@lru_cache(maxsize=4)
def _learn_pool(texts: tuple[str, ...], n_components: int, seed: int) -> Representation:
    return Representation.learn((), texts, n_components=n_components, seed=seed)


def _known_names(
    label_names: Mapping[str, Sequence[str]], features: TfidfFeatures
) -> dict[str, str]:
    """Texts of the labels' names; without those of whose words no text of the project has any."""
    written = {label: write_name(names) for label, names in sorted(label_names.items())}
    vectors = features.transform(list(written.values()))
    n_words = np.diff(vectors[:, : features.n_words].tocsr().indptr)
    return {label: text for (label, text), n in zip(written.items(), n_words, strict=True) if n}


def _name_weights(n_examples: Integers) -> Floats:
    """How much a name counts: as three examples at first, as one beside six real ones."""
    return 3 / (1 + n_examples / 3)


def _semantic_weight(n_examples: int) -> np.float32:
    """How much longer the semantic coordinates are than the vectors of words."""
    return np.float32(2 * min(1.0, np.sqrt(200 / max(1, n_examples))))


def _softmax(scores: Matrix) -> Matrix:
    # The largest score becomes 0: no exponential can overflow.
    probabilities: Matrix = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities
