"""The model that comes with prelabel: logistic regression over words and their meanings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from prelabel.models.arrays import Matrix
from prelabel.models.base import Arrays, TextModel
from prelabel.models.calibration import are_clearly_worse, scale_without_each
from prelabel.models.common_words import known_names
from prelabel.models.estimator import TextEstimator
from prelabel.models.examples import Examples
from prelabel.models.explanation import Explanation, explain
from prelabel.models.folds import FEWEST_TEXTS
from prelabel.models.growth import Layout, Learned, learn
from prelabel.models.inputs import read_labels, read_names, read_texts, to_array
from prelabel.models.milestones import last_milestone
from prelabel.models.multi_label import SklearnMultiLabelClassifier
from prelabel.models.name_texts import NamePairs, find_name_texts, find_silence
from prelabel.models.representation import Representation
from prelabel.models.scaling import Scaling
from prelabel.models.scoring import LinearScores
from prelabel.models.threads import one_thread

_TRUSTED = 10.0
"""The weight of names beside labeled texts, until they are seen to be wrong; see `NAME_WEIGHT`."""

_OF_NAMES_ALONE = 0.7
"""The temperature where no label is there to measure one: the best of five on three sets."""


class SklearnTextClassifier(TextEstimator, TextModel):
    """Multinomial logistic regression, fitted by scikit-learn, over `TfidfFeatures`.

    It learns from few labels: texts without labels show it which words belong together, and names
    of labels are its first examples. Only `fit` imports scikit-learn: a process that predicts
    starts three times as fast without it. The same arguments in the same order give the same
    model, bit for bit, on one kind of processor. It is a scikit-learn estimator, too.

    >>> model = SklearnTextClassifier()
    >>> model = model.fit(["cheap pills", "see you at six"], ["spam", "ham"])
    >>> model.classes_.tolist()
    ['ham', 'spam']
    >>> model.predict(["cheap!"]).tolist()
    ['spam']

    Parameters
    ----------
    C
        Inverse strength of the L2 penalty on the coefficients; ``"auto"`` chooses it by log-loss
        on examples left out.
    n_components
        How many semantic directions are learned from unlabeled texts, of topics and of words
        each; 0 for none.
    random_state
        Seed of all that is drawn at random.

    Attributes
    ----------
    classes_
        Labels it can predict, sorted; an array.
    C_
        The ``C`` used.
    temperature_
        By what calibration divided the scores, before it shifted them.
    out_of_fold_
        Probabilities of the examples, shape (len(texts), len(classes_)), by models that did not
        see them or an equal text. NaN where there is none: of all examples if they were too few.
        A stored model has none.
    """

    classes_: npt.NDArray[Any]
    revision = 19
    several = SklearnMultiLabelClassifier

    def fit(
        self,
        texts: Iterable[str],
        labels: Iterable[Any],
        *,
        unlabeled: Iterable[str] | None = None,
        label_names: Mapping[str, Sequence[str]] | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from ``texts[i]`` having ``labels[i]``; return self.

        Labels are texts, or whole numbers. What was learned before in this process is used again
        where it is the same: it is fastest where examples are added at the end.

        Raises
        ------
        NotEnoughLabelsError
            If there are not at least two labels that have a text, or a name of which a text has a
            word.
        ValueError
            If a parameter, a text, a label or a weight is none.
        """
        self.require_parameters()
        pool = [] if unlabeled is None else read_texts(unlabeled)
        given, names = read_labels(labels), read_names(label_names)
        read_labels([*names, *given])  # of one kind, too
        with one_thread():
            return self._fit(read_texts(texts), given, pool, names, sample_weight)

    def find_silence(
        self, label_names: Mapping[str, Sequence[str]], unlabeled: Sequence[str]
    ) -> str | None:
        """Return why names of labels and texts are not enough to learn from, for people.

        None if they are: if the texts have words of nine in ten names, at least two. What is
        learned of the texts for it is used again by `fit`.
        """
        with one_thread():
            representation = self._represent([], unlabeled)
            names = known_names(label_names, representation)
            found = find_silence(names, label_names, representation)
            representation.forget_tokens()
            return found

    def _represent(self, texts: Sequence[str], unlabeled: Sequence[str]) -> Representation:
        return Representation.learn(
            texts, unlabeled, n_components=self.n_components, seed=self.random_state
        )

    def _fit(
        self, texts: Sequence[str], labels: Sequence[str], unlabeled: Sequence[str],
        label_names: Mapping[str, Sequence[str]], sample_weight: npt.ArrayLike | None,
    ) -> Self:  # fmt: skip
        representation = self._represent(texts, unlabeled)
        names = known_names(label_names, representation)
        examples = Examples.of(texts, labels, sample_weight, names)
        examples.require_two_labels()
        all_labels = {*label_names, *examples.classes}
        name_texts = find_name_texts(names, all_labels, examples.texts, representation)
        learned = self._learn_with_names(examples, name_texts, representation)
        self.classes_ = to_array(examples.classes)
        self.C_, self.temperature_ = learned.C, float(learned.scaling.temperature)
        self.out_of_fold_ = np.full((len(texts), len(self.classes_)), np.nan, np.float32)
        self.out_of_fold_[examples.positions] = _softmax(
            scale_without_each(learned.scores, examples, learned.scaling)
        )
        scaling = learned.scaling
        if not examples.texts:
            self.temperature_ = _OF_NAMES_ALONE
            scaling = Scaling.without_shifts(_OF_NAMES_ALONE, len(self.classes_))
        linear = scaling.fold_into(learned.linear)
        coefficients, intercept = linear.coefficients, linear.intercept
        if examples.n_decided < 2:
            # A name in many texts would win them all, or the only label that was given so far.
            intercept = -representation.mean @ coefficients
        representation.forget_tokens()
        self._scores = LinearScores(representation.features, coefficients, intercept)
        return self

    def _learn_with_names(
        self, examples: Examples, name_texts: NamePairs, representation: Representation
    ) -> Learned:
        """Learn with what names speak for, with less faith in it, or without: that is measured.

        The groups of texts that names began may be what people mean, or others.
        """
        doubting = examples.speaking_of(name_texts)
        if not name_texts or len(set(examples.texts)) < FEWEST_TEXTS:
            return self._learn(doubting, representation)
        trusting = examples.speaking_of(name_texts, name_weight=_TRUSTED)
        learned = self._learn(trusting, representation)
        for way, by in ((doubting, 0.5), (examples, 1.0)):
            other = self._learn(way, representation)
            if are_clearly_worse(learned.losses, other.losses, by=by):
                learned = other
        return learned

    def _learn(self, examples: Examples, representation: Representation) -> Learned:
        # What has one label tells nothing apart, and nothing could be measured until the next one.
        before = examples.first(last_milestone(len(examples.texts)))
        is_whole = before.n_decided < 2 <= examples.n_decided
        layout = Layout.of(examples.names, examples.texts, representation, is_whole=is_whole)
        return learn(examples, layout, C=self.C, seed=self.random_state)

    def predict_proba(self, texts: Iterable[str]) -> Matrix:
        """Probabilities, shape (len(texts), len(classes_)): finite, each row summing to 1."""
        self.require_fit()
        return _softmax(self._scores(read_texts(texts)))

    def predict(self, texts: Iterable[str]) -> npt.NDArray[Any]:
        """Return the most probable label of each text, shape (len(texts),)."""
        best = self.predict_proba(texts).argmax(axis=1)
        found: npt.NDArray[Any] = self.classes_[best]
        return found

    def explain(self, text: str) -> Explanation:
        """Return what each word of a text adds to the score of each label; it adds up exactly.

        >>> model = SklearnTextClassifier().fit(["cheap pills", "see you"], ["spam", "ham"])
        >>> explanation = model.explain("Cheap pills!")
        >>> explanation.words
        ('cheap', 'pills', '!')
        >>> bool(explanation.contributions[0, 1] > 0)  # "cheap" speaks for classes_[1], "spam"
        True
        """
        self.require_fit()
        (text,) = read_texts([text])
        return explain(text, self._scores)

    def to_arrays(self) -> Arrays:
        """``coefficients`` (features, classes), ``intercept`` (classes,), and the vocabulary."""
        self.require_fit()
        return self._scores.to_arrays()

    @classmethod
    def from_arrays(cls, arrays: Arrays, classes: Sequence[str]) -> Self:
        """Rebuild what `to_arrays` gave, without copying; raise `ArtifactError` if it cannot."""
        model = cls()
        model.classes_ = to_array(classes)
        model._scores = LinearScores.from_arrays(arrays, len(classes))
        return model


def _softmax(scores: Matrix) -> Matrix:
    # The largest score becomes 0: no exponential can overflow.
    probabilities: Matrix = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities
