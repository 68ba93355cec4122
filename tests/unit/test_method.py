from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.method import Method
from tests.builders import speaking_texts
from tests.letters import Letters

NAMES = {"sports": ["sports"], "cooking": ["cooking"]}


class OwnFit(SklearnTextClassifier):
    def fit(self, texts: Iterable[str], labels: Iterable[Any], **extras: Any) -> Self:
        assert labels
        return super().fit(texts, labels, **extras)


class OwnName(SklearnTextClassifier):
    pass


def test_only_a_class_with_the_built_in_fit_is_asked_to_learn_from_no_example() -> None:
    texts = speaking_texts(60)
    learning = {
        model_class: Method(model_class=model_class).learns_names
        for model_class in (SklearnTextClassifier, OwnName, OwnFit, Letters)
    }
    assert learning == {SklearnTextClassifier: True, OwnName: True, OwnFit: False, Letters: False}
    for model_class, learns in learning.items():
        silence = Method(model_class=model_class).find_silence(NAMES, texts)
        assert silence == (None if learns else f"{model_class.__name__} learns from labels only.")
