"""The examples learn, are stored as data, and are served."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prelabel.models.base import labels_of
from prelabel.models.loader import load_model_class
from tests.backend import TEXTS, Backend, Project, make_text

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = sorted(path.parent.name for path in EXAMPLES.glob("*/model.py"))


@pytest.mark.parametrize("name", MODELS)
def test_a_stored_example_predicts_the_same(name: str) -> None:
    model_class = load_model_class(EXAMPLES / name)
    for labels in (list(TEXTS)[:2], list(TEXTS)):
        texts = [make_text(label, number) for number in range(6) for label in labels]
        model = model_class().fit(texts, labels * 6)
        probabilities = model.predict_proba([*texts, "", "χρόνος"])
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        best = [model.classes_[column] for column in probabilities[:-2].argmax(axis=1)]
        assert best == labels * 6
        again = model_class.from_arrays(model.to_arrays(), labels_of(model))
        assert np.array_equal(again.predict_proba(texts), model.predict_proba(texts))


@pytest.mark.parametrize("name", MODELS)
def test_an_example_is_served_and_learns(name: str, tmp_path: Path) -> None:
    with Backend(tmp_path, arguments=[str(EXAMPLES / name), "--check"]) as backend:
        project = Project(backend)
        project.annotate_many(9)
        assert project.train()["model_version"] == "v1-9labels"
        assert project.labels_of(*(make_text(label, 77) for label in TEXTS)) == list(TEXTS)


def test_the_examples_are_those_of_the_guide() -> None:
    guide = (EXAMPLES.parent / "docs/guides/custom-model.md").read_text()
    assert MODELS == ["character_ngrams", "sentence_embeddings"]
    assert all(f"examples/{name}" in guide for name in MODELS)
