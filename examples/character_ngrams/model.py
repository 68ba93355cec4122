"""A scikit-learn pipeline with other features: hashed character n-grams, which forgive typos.

Start it with `prelabel start examples/character_ngrams`.
"""

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from prelabel.errors import ArtifactError, NotEnoughLabelsError
from prelabel.models.base import TextModel

HASHES = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=2**16)


class CharacterNgrams(TextModel):
    """Nothing is learned about features, so that a version is a matrix and a vector."""

    revision = 1

    def fit(self, texts, labels, *, unlabeled=None, label_names=None, sample_weight=None):
        counts = {label: list(labels).count(label) for label in set(labels)}
        if len(counts) < 2:
            raise NotEnoughLabelsError(counts)
        pipeline = make_pipeline(HASHES, LogisticRegression(C=10.0, max_iter=1000))
        pipeline.fit(texts, labels, logisticregression__sample_weight=sample_weight)
        fitted = pipeline[-1]
        self.classes_ = tuple(str(label) for label in fitted.classes_)
        self._weights = fitted.coef_.astype(np.float32)
        self._biases = fitted.intercept_.astype(np.float32)
        return self

    def predict_proba(self, texts):
        scores = HASHES.transform(texts) @ self._weights.T + self._biases
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
