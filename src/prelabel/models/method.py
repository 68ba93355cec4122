"""How the server learns: which class, with which parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prelabel.models.base import MultiLabelModel, TextModel
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.manifest import FORMAT
from prelabel.models.multi_label import SklearnMultiLabelClassifier


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """A model class and the settings it is made with.

    Attributes
    ----------
    C
        Given to the built-in classes only: inverse strength of regularization, or ``"auto"``.
    """

    model_class: type[TextModel]
    C: float | Literal["auto"] = 10.0

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What decides, besides labels and texts, what is learned."""
        model = self.new_model()
        return {
            "model": self.model_class.__name__,
            "revision": self.model_class.revision,
            "parameters": model.get_params() if isinstance(model, SklearnTextClassifier) else {},
            "format": FORMAT,
        }

    @property
    def learns_several(self) -> bool:
        """Whether texts with several labels can be learned."""
        return self.model_class.several is not None

    @property
    def learns_names(self) -> bool:
        """Whether names of labels and texts can be learned without labels.

        A class with a `fit` of its own may expect examples.
        """
        return self.model_class.fit is SklearnTextClassifier.fit

    def find_silence(
        self, label_names: Mapping[str, Sequence[str]], texts: Sequence[str]
    ) -> str | None:
        """Return why names and texts are not enough to learn from, for people; None if they are."""
        model = self.new_model()
        if not self.learns_names or not isinstance(model, SklearnTextClassifier):
            return f"{self.model_class.__name__} learns from labels only."
        return model.find_silence(label_names, texts)

    def new_model(self) -> TextModel:
        """Return an unfitted model: every training starts from a fresh one."""
        model_class = self.model_class
        if issubclass(model_class, SklearnTextClassifier):
            return model_class(C=self.C)
        return model_class()

    def new_multi_label_model(self) -> MultiLabelModel:
        """Return an unfitted model of texts with several labels; there must be a class for it."""
        model_class = self.model_class.several
        assert model_class is not None  # noqa: S101 - see `learns_several`
        if issubclass(model_class, SklearnMultiLabelClassifier):
            return model_class(C=self.C)
        return model_class()
