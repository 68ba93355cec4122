"""Which stars to suggest: the most probable, the median, or the mean of the probabilities.

    python benchmarks/ratings.py DATA

Four sentences of ``movie_reviews`` make a text, and how many of them are positive, from none to
all, make one to five stars. Tests are made of the test split's sentences: none of them was learned.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from arguments import make_parser
from data_sets import read_sets

from prelabel.models.logistic import SklearnTextClassifier

N_SENTENCES = 4
N_TESTS = 600
DRAWS = range(5)
Stars = npt.NDArray[np.int64]


def sort_sentences(texts: Sequence[str], labels: Sequence[str]) -> dict[str, list[str]]:
    """Return the positive sentences and the negative ones."""
    sentences: dict[str, list[str]] = {"positive": [], "negative": []}
    for text, label in zip(texts, labels, strict=True):
        sentences[label].append(text)
    return sentences


def draw(rng: random.Random, sentences: Mapping[str, list[str]], n: int) -> tuple[list[str], Stars]:
    """Return texts and their stars."""
    texts, stars = [], []
    for _ in range(n):
        n_positive = rng.randint(0, N_SENTENCES)
        chosen = rng.sample(sentences["positive"], n_positive)
        chosen += rng.sample(sentences["negative"], N_SENTENCES - n_positive)
        rng.shuffle(chosen)
        texts.append(" ".join(chosen))
        stars.append(1 + n_positive)
    return texts, np.array(stars)


def suggest(texts: list[str], stars: Stars, tests: list[str]) -> dict[str, Stars]:
    """Return each way's suggestions for the tests."""
    model = SklearnTextClassifier().fit(texts, [str(n) for n in stars])
    found = model.predict_proba(tests)
    values = np.array([int(label) for label in model.classes_])
    order = values.argsort()
    found, values = found[:, order], values[order]
    middle = (found.cumsum(axis=1) < 0.5).sum(axis=1)
    return {
        "most probable": values[found.argmax(axis=1)],
        "median": values[np.minimum(middle, len(values) - 1)],
        "mean": np.rint(found @ values).astype(int),
    }


def main() -> None:
    """Print by how many stars each way is off, and how often it is right."""
    parser = make_parser(__doc__)
    (reviews,) = read_sets(parser.parse_args().folder, ["movie_reviews"], max_texts=10**9)
    sentences = sort_sentences(reviews.texts, reviews.labels)
    unseen = sort_sentences(reviews.test_texts, reviews.test_labels)
    for n in (100, 300, 1000):
        off: dict[str, list[float]] = {}
        right: dict[str, list[float]] = {}
        for seed in DRAWS:
            rng = random.Random(seed)  # noqa: S311 - no secret
            texts, stars = draw(rng, sentences, n)
            tests, truth = draw(rng, unseen, N_TESTS)
            for way, suggested in suggest(texts, stars, tests).items():
                off.setdefault(way, []).append(float(abs(suggested - truth).mean()))
                right.setdefault(way, []).append(float((suggested == truth).mean()))
        for way, values in off.items():
            sys.stdout.write(
                f"{n:>5} labels  {way:<14}off by {np.mean(values):.2f} stars, "
                f"right {np.mean(right[way]):.3f}\n"
            )


if __name__ == "__main__":
    main()
