"""What is suggested before the first label: words of label names, and the version of names alone.

    python benchmarks/names.py DATA --texts 500 1000 5000

Of each set so many texts are drawn at random; what is suggested for them is compared with their
labels, which nobody has seen. Draws in which names cannot speak are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from arguments import make_parser
from data_sets import DataSet, read_sets

from prelabel.loop.evaluation import calibration_error
from prelabel.loop.predictor import LEAST_OF_NAMES, SUREST_OF_NAMES
from prelabel.models.label_names import LabelNames
from prelabel.models.logistic import SklearnTextClassifier

COLUMNS = (
    "words: suggestions", "of these, right", "there served, right",
    "served: suggestions", "of these, right", "ECE of these",
    "right of all texts: words", "served", "the model alone",
)  # fmt: skip


def measure(data: DataSet[str], n: int, seed: int) -> list[float] | None:
    """Return the `COLUMNS`; None if names cannot speak for the texts that were drawn."""
    drawn = np.random.default_rng(seed).permutation(len(data.texts))[:n]
    texts, truth = ([column[i] for i in drawn] for column in (data.texts, data.labels))
    model, names = SklearnTextClassifier(), data.list_names()
    if model.find_silence(names, texts):
        return None
    model.fit([], [], unlabeled=texts, label_names=names)
    probabilities = model.predict_proba(texts)
    scores = np.minimum(probabilities.max(axis=1), SUREST_OF_NAMES)
    guesses = [model.classes_[i] for i in probabilities.argmax(axis=1)]
    found = [LabelNames(names).suggest(text) for text in texts]
    words = [suggested[0] if suggested else None for suggested in found]
    is_sure = scores >= LEAST_OF_NAMES
    served = [g if sure else w for g, w, sure in zip(guesses, words, is_sure, strict=True)]
    by_words, by_served, alone = (_is_right(some, truth) for some in (words, served, guesses))
    has_words, is_served = (np.array([x is not None for x in some]) for some in (words, served))
    shares = (
        has_words.mean(), by_words[has_words].mean(), by_served[has_words].mean(),
        is_served.mean(), by_served[is_served].mean(),
        calibration_error(scores[is_sure], alone[is_sure]),
        by_words.mean(), by_served.mean(), alone.mean(),
    )  # fmt: skip
    return [float(share) for share in shares]


def _is_right(suggested: Sequence[str | None], truth: Sequence[str]) -> npt.NDArray[np.bool_]:
    return np.array([a == b for a, b in zip(suggested, truth, strict=True)])


def write_rows(sets: Sequence[DataSet[str]], counts: Sequence[int], seeds: int) -> Iterator[str]:
    """Yield the lines of a Markdown table: the means over the draws."""
    yield f"| set | texts | draws | {' | '.join(COLUMNS)} |"
    yield "|---|---|---|" + "---|" * len(COLUMNS)
    for data in sets:
        for n in (n for n in counts if n <= len(data.texts)):
            found = [row for seed in range(seeds) if (row := measure(data, n, seed))]
            if found:
                means = " | ".join(f"{value:.3f}" for value in np.mean(found, axis=0))
                yield f"| {data.name} | {n} | {len(found)} | {means} |"


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--sets", nargs="+", default=[], help="only these (default: all)")
    parser.add_argument("--texts", nargs="+", type=int, default=[500, 700, 1000, 2000, 5000])
    parser.add_argument("--seeds", type=int, default=5, help="random draws (default: 5)")
    arguments = parser.parse_args()
    sets = list(read_sets(arguments.folder, arguments.sets, max_texts=10**9))
    for line in write_rows(sets, arguments.texts, arguments.seeds):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
