"""Sentence embeddings and a logistic regression: texts that mean the same are near each other.

It needs a package more, `pip install -r examples/sentence_embeddings/requirements.txt`. The small
model (16 MB) comes with that package, and nothing is fetched. Start it with
`prelabel start examples/sentence_embeddings`.
"""

from functools import cache
from pathlib import Path

import numpy as np
import wordllama
from sklearn.linear_model import LogisticRegression

from prelabel.errors import ArtifactError, NotEnoughLabelsError
from prelabel.models.base import TextModel


@cache
def load_embedding():
    """Load it once a process, at first use."""
    folder = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


def embed(texts):
    """Return a row for each text, of length 1; zeros for texts without a known word."""
    vectors = np.nan_to_num(load_embedding().embed([text or " " for text in texts]))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


class SentenceEmbeddings(TextModel):
    """What the embedding knows stays outside of a version, which is a matrix and a vector."""

    revision = 1

    def fit(self, texts, labels, *, unlabeled=None, label_names=None, sample_weight=None):
        counts = {label: list(labels).count(label) for label in set(labels)}
        if len(counts) < 2:
            raise NotEnoughLabelsError(counts)
        fitted = LogisticRegression(C=30.0, max_iter=1000)
        fitted.fit(embed(texts), labels, sample_weight=sample_weight)
        self.classes_ = tuple(str(label) for label in fitted.classes_)
        self._weights = fitted.coef_.astype(np.float32)
        self._biases = fitted.intercept_.astype(np.float32)
        return self

    def predict_proba(self, texts):
        scores = embed(texts) @ self._weights.T + self._biases
        if len(self.classes_) == 2:  # scikit-learn keeps the second label's side only
            scores = np.hstack([np.zeros_like(scores), scores])
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)

    def to_arrays(self):
        return {"weights": self._weights, "biases": self._biases}

    @classmethod
    def from_arrays(cls, arrays, classes):
        model = cls()
        try:
            model._weights, model._biases = arrays["weights"], arrays["biases"]
        except KeyError as error:
            raise ArtifactError(
                f"There is no array {error}",
                expected="weights and biases",
                fix="Train the project again.",
            ) from error
        model.classes_ = tuple(classes)
        return model
