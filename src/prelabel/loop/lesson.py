"""What the examples of one control teach: fitted, and measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from prelabel.errors import NotEnoughLabelsError
from prelabel.label_config import ControlTag, Kind
from prelabel.loop.admission import learn, require_answers
from prelabel.loop.cross_validation import predict_left_out
from prelabel.loop.decisions import (
    choose_columns,
    choose_left_out,
    mark_offered,
    restrict,
)
from prelabel.loop.evaluation import Evaluation, evaluate
from prelabel.loop.set_evaluation import evaluate_sets
from prelabel.models.arrays import Floats
from prelabel.models.base import Model, MultiLabelModel, labels_of
from prelabel.models.method import Method
from prelabel.types import Example


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What one control's examples teach.

    Attributes
    ----------
    pool
        The project's texts that the control is about, labeled or not.
    silence
        Why the names of its labels teach nothing where there are too few labels, for people; None
        if they speak through the pool, empty if they were not asked.
    """

    control: ControlTag
    examples: Sequence[Example]
    pool: Sequence[str]
    method: Method
    silence: str | None = ""

    @property
    def name(self) -> str:
        """The control's."""
        return self.control.name

    @property
    def counts(self) -> Counter[str]:
        """How many examples have each label."""
        return Counter(label for example in self.examples for label in example.labels)

    @property
    def offered(self) -> list[frozenset[str] | None]:
        """What the task of each example offers."""
        return [example.offered for example in self.examples]

    @property
    def n_texts(self) -> int:
        """How many different texts the pool has."""
        return len(set(self.pool))

    @property
    def n_unlabeled(self) -> int:
        """How many of them are no example's."""
        return len(set(self.pool).difference(example.text for example in self.examples))

    @property
    def may_be_named(self) -> bool:
        """Whether names alone may say which label a text has.

        Of several labels, names say which is near, not how many apply. The texts that a control is
        shown for, or whose task offers a label, and the levels of a tree are no equal parts of
        all: names would divide the texts wrongly.
        """
        control = self.control
        is_plain = control.options_key is None and not control.conditions
        is_flat = all(len(label.path) < 2 for label in control.labels)
        return self.method.learns_names and control.kind is Kind.ONE and is_plain and is_flat

    @property
    def is_named(self) -> bool:
        """Whether the names of its labels speak, where there are too few labels."""
        return self.silence is None

    @property
    def can_be_learned(self) -> bool:
        """Whether there is something to tell apart, by labels or by their names."""
        return self.is_of_labels or self.is_named

    @property
    def is_of_labels(self) -> bool:
        """Whether people told something apart, and the method can learn it."""
        n_decisions = len({example.labels for example in self.examples})
        return n_decisions > 1 and (self.method.learns_several or not self._is_of_several)

    @property
    def _is_of_several(self) -> bool:
        return self.control.kind is Kind.SEVERAL

    def of(self, examples: Sequence[Example], pool: Sequence[str]) -> Lesson:
        """Return the same with other examples and texts."""
        return replace(self, examples=examples, pool=pool)

    def learn(self) -> Model:
        """Fit a fresh model, and have it predict what it left out, unless it did so itself.

        One that learned from names is not measured: labels of one kind say nothing of the others.

        Raises
        ------
        NotEnoughLabelsError
            If it cannot be learned.
        ModelError
            If the model fails, or could not be served.
        """
        model = self.fit()
        require_answers(model, [example.text for example in self.examples])
        if not self.is_of_labels:
            model.out_of_fold_ = None
        elif model.out_of_fold_ is None:
            self._leave_out(model)
        return model

    def _leave_out(self, model: Model) -> None:
        """Measure a model by more fits of its kind."""
        found = predict_left_out(
            self.examples, labels_of(model), lambda learned: self.of(learned, self.pool).fit()
        )
        if found:
            model.out_of_fold_ = found.probabilities
            if isinstance(model, MultiLabelModel):
                model.thresholds_out_of_fold_ = found.thresholds

    def fit(self) -> Model:
        """Fit a fresh model.

        Raises
        ------
        NotEnoughLabelsError
            If it cannot be learned.
        ModelError
            If the model fails.
        """
        if not self.can_be_learned:
            raise NotEnoughLabelsError(self.counts)
        return learn(self._fit, {*self.counts, *self.control.label_names})

    def _fit(self) -> Model:
        texts = [example.text for example in self.examples]
        weights = [example.weight for example in self.examples]
        names = self.control.label_names
        if self._is_of_several:
            return self.method.new_multi_label_model().fit(
                texts, [example.labels for example in self.examples],
                unlabeled=self.pool, label_names=names, sample_weight=weights,
            )  # fmt: skip
        return self.method.new_model().fit(
            texts, [example.labels[0] for example in self.examples],
            unlabeled=self.pool, label_names=names, sample_weight=weights,
        )  # fmt: skip

    def read_left_out(self, model: Model) -> Floats | None:
        """Return what a model says of the examples it left out, None if it left out none.

        Of a control whose tasks offer labels of their own, that is about those: where one is
        chosen, they sum to 1; where several may be, others are not known, NaN.
        """
        found = model.out_of_fold_
        if found is None or self.control.options_key is None:
            return found
        classes = labels_of(model)
        if isinstance(model, MultiLabelModel):
            return np.where(mark_offered(classes, self.offered), found, np.float32(np.nan))
        return restrict(found, classes, self.offered)

    def evaluate(self, model: Model) -> Evaluation | None:
        """Measure what a model decides about what it left out; None if it left nothing out."""
        found = self.read_left_out(model)
        if found is None:
            return None
        if isinstance(model, MultiLabelModel):
            sets = [example.labels for example in self.examples]
            chosen = choose_left_out(self.control, model, found, self.offered)
            return evaluate_sets(sets, labels_of(model), found, chosen)
        labels = [example.labels[0] for example in self.examples]
        columns = choose_columns(self.control, model.classes_, found)
        return evaluate(labels, labels_of(model), found, columns)
