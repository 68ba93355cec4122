"""What the models of many projects remember of tokens, in one process.

    python benchmarks/memory.py DATA --projects 100

Each project has a vocabulary of its own, learned from other 300 texts; its model, of made-up
coefficients, scores all texts.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from arguments import make_parser
from data_sets import read_sets

from prelabel.models.features import TfidfFeatures
from prelabel.models.reading_memory import MEMORY
from prelabel.models.scoring import LinearScores

_VOCABULARY_TEXTS = 300
_WORDS = 50
_AT_ONCE = 1_000


def resident_mb() -> float:
    """Return the memory that this process takes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def make_models(texts: Sequence[str], n: int, n_labels: int) -> list[LinearScores]:
    """Return a model for each of so many projects."""
    draw, models = np.random.default_rng(0), []
    for first in np.linspace(0, len(texts) - _VOCABULARY_TEXTS, n).astype(int):
        features = TfidfFeatures().fit(texts[first : first + _VOCABULARY_TEXTS])
        coefficients = draw.random((features.n_features, n_labels), np.float32)
        models.append(LinearScores(features, coefficients, np.zeros(n_labels, np.float32)))
    return models


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--set", default="20news", help="whose texts are read (default: 20news)")
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--labels", type=int, default=20)
    arguments = parser.parse_args()
    (data,) = read_sets(arguments.folder, [arguments.set], max_texts=10**9)
    texts = [" ".join(text.split()[:_WORDS]) for text in data.texts]
    models = make_models(texts, arguments.projects, arguments.labels)
    before = resident_mb()
    sys.stdout.write(f"{len(models)} models of {len(texts)} texts: {before:.0f} MB\n")
    for number, model in enumerate(models, 1):
        for start in range(0, len(texts), _AT_ONCE):
            model(texts[start : start + _AT_ONCE])
        if number in {1, 5, 10, 25, 50, len(models)}:
            more, counted = resident_mb() - before, MEMORY.n_bytes / 2**20
            sys.stdout.write(f"{number} have read: {more:.0f} MB more, {counted:.0f} counted\n")


if __name__ == "__main__":
    main()
