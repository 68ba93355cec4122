"""How good suggestions are after 20 to 1,000 labels: prelabel's model against the reference's.

    python benchmarks/quality.py ../shared/data --cache .benchmarks --output quality.md

Every learner sees the same examples, drawn at random from the train split, and is measured on the
test split. prelabel also sees the texts of the train split without their labels, as it does when
a project has been synchronised, and the names of the labels. The reference is the pipeline of
label-studio-ml-backend's ``sklearn_text_classifier`` (TF-IDF of word 1-3-grams, logistic
regression), its probabilities put under the right labels. What was measured is kept in
``--cache``, by the code that gave it: a run that was interrupted goes on where it ended.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

import prelabel.models
from prelabel.models.logistic import SklearnTextClassifier

METRICS = ("accuracy", "macro-F1", "log-loss", "ECE", "fit, CPU seconds")
_BINS = 15
_LEAST_PROBABILITY = 1e-4  # a label never seen costs a log-loss of 9, not infinity

Probabilities = npt.NDArray[np.floating]
Results = dict[tuple[str, str, int, int], list[float]]
"""Metrics by learner, set, budget and seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """A data set of one label a text."""

    name: str
    texts: Sequence[str]
    labels: Sequence[str]
    test_texts: Sequence[str]
    test_labels: Sequence[str]

    @property
    def names(self) -> dict[str, list[str]]:
        """What each label is called: as in most projects, nothing but the label itself."""
        return {label: [label] for label in sorted({*self.labels, *self.test_labels})}


Fitted = tuple[Sequence[str], Callable[[Sequence[str]], Probabilities]]
"""Classes, and what gives their probabilities."""
Learner = Callable[[Sequence[str], Sequence[str], Sequence[str], dict[str, list[str]]], Fitted]
"""Learns from texts, labels, texts without labels, and names of labels."""


def reference(
    texts: Sequence[str],
    labels: Sequence[str],
    unlabeled: Sequence[str],  # noqa: ARG001 - the reference has no use for it
    names: dict[str, list[str]],  # noqa: ARG001
) -> Fitted:
    """Fit as the reference does, with its default C."""
    tokens = r"(?u)\b\w\w+\b|\w"
    vectorizer = TfidfVectorizer(ngram_range=(1, 3), token_pattern=tokens)
    model = LogisticRegression(C=10)
    model.fit(vectorizer.fit_transform(texts), labels)
    return model.classes_, lambda some: model.predict_proba(vectorizer.transform(some))


def ours(
    *, pool: bool = True, named: bool = True, settings: dict[str, object] | None = None
) -> Learner:
    """Return prelabel's learner, with or without an ingredient."""

    def fit(
        texts: Sequence[str],
        labels: Sequence[str],
        unlabeled: Sequence[str],
        names: dict[str, list[str]],
    ) -> Fitted:
        model = SklearnTextClassifier(**(settings or {}))  # type: ignore[arg-type]
        model.fit(
            texts,
            labels,
            unlabeled=unlabeled if pool else None,
            label_names=names if named else None,
        )
        return model.classes_, model.predict_proba

    return fit


LEARNERS: dict[str, Learner] = {"reference": reference, "prelabel": ours()}
ABLATION: dict[str, Learner] = {
    "without label names": ours(named=False),
    "without semantic directions": ours(settings={"n_components": 0}),
    "without unlabeled texts": ours(pool=False),
    "without calibration": ours(settings={"calibrate": False}),
    "without any of them": ours(
        pool=False, named=False, settings={"n_components": 0, "calibrate": False}
    ),
    "50 semantic directions": ours(settings={"n_components": 50}),
    "200 semantic directions": ours(settings={"n_components": 200}),
    'C="auto"': ours(settings={"C": "auto"}),
    "labels known by name only, too": ours(settings={"predict_unseen": True}),
}


def read_sets(folder: Path, names: Sequence[str], pool: int) -> Iterator[DataSet]:
    """Yield the sets of a folder, smallest name first; those of many labels a text are left out."""
    for path in sorted(folder.glob("*/meta.json")):
        meta = json.loads(path.read_text())
        if meta["multilabel"] or (names and path.parent.name not in names):
            continue
        train, test = (_read(path.parent / f"{part}.jsonl") for part in ("train", "test"))
        yield DataSet(
            name=path.parent.name,
            texts=[row["text"] for row in train[:pool]],
            labels=[row["label"] for row in train[:pool]],
            test_texts=[row["text"] for row in test],
            test_labels=[row["label"] for row in test],
        )


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def measure(learner: Learner, data: DataSet, budget: int, seed: int) -> list[float]:
    """Return the `METRICS` of a learner given the first labels of a random order."""
    order = np.random.default_rng(seed).permutation(len(data.texts))[:budget]
    texts, labels = ([column[i] for i in order] for column in (data.texts, data.labels))
    start = time.process_time()
    fitted = _constant(labels) if len(set(labels)) == 1 else None
    classes, predict = fitted or learner(texts, labels, data.texts, data.names)
    seconds = time.process_time() - start
    return [*_score(classes, predict(data.test_texts), data), seconds]


def _constant(labels: Sequence[str]) -> Fitted:
    """Predict the only label there is, where no model can learn."""
    return labels[:1], lambda texts: np.ones((len(texts), 1))


def _score(classes: Sequence[str], probabilities: Probabilities, data: DataSet) -> list[float]:
    best = probabilities.argmax(axis=1)
    predicted = [str(classes[i]) for i in best]
    right = np.array([a == b for a, b in zip(predicted, data.test_labels, strict=True)])
    columns = {str(label): i for i, label in enumerate(classes)}
    of_truth = [
        row[columns[label]] if label in columns else 0.0
        for row, label in zip(probabilities, data.test_labels, strict=True)
    ]
    log_loss = -np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean()
    confidence = probabilities.max(axis=1)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.abs(np.bincount(bins, right) - np.bincount(bins, confidence))
    macro = f1_score(data.test_labels, predicted, average="macro", zero_division=0)
    return [float(right.mean()), float(macro), float(log_loss), float(gaps.sum() / len(right))]


class Cache:
    """Results by the code that gave them, a line each, kept in a folder if one is given."""

    def __init__(self, folder: Path | None, pool: int) -> None:
        self._path = folder / "quality.jsonl" if folder else None
        code = hashlib.sha256(f"{pool}".encode())
        for path in sorted(Path(prelabel.models.__path__[0]).glob("*.py")):
            code.update(path.read_bytes())
        self._ours = code.hexdigest()[:16]
        self._known: dict[str, list[float]] = {}
        if self._path and self._path.exists():
            lines = self._path.read_text().splitlines()
            self._known = {row["key"]: row["metrics"] for row in map(json.loads, lines)}

    def get(self, learner: str, data: DataSet, budget: int, seed: int) -> list[float] | None:
        return self._known.get(self._key(learner, data, budget, seed))

    def put(
        self, learner: str, data: DataSet, budget: int, seed: int, metrics: list[float]
    ) -> None:
        """Keep what was measured, at once."""
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                key = self._key(learner, data, budget, seed)
                file.write(json.dumps({"key": key, "metrics": metrics}) + "\n")

    def _key(self, learner: str, data: DataSet, budget: int, seed: int) -> str:
        code = f"scikit-learn {sklearn.__version__}" if learner == "reference" else self._ours
        return f"{code}/{learner}/{data.name}/{len(data.texts)}/{budget}/{seed}"


def run(
    learners: dict[str, Learner], sets: Sequence[DataSet], arguments: argparse.Namespace
) -> Results:
    """Measure all that is not cached, the cheapest first, telling how far it is."""
    cache = Cache(arguments.cache, arguments.pool)
    runs = [
        (learner, data, budget, seed)
        for budget in sorted(arguments.budgets)
        for seed in range(arguments.seeds)
        for data in sets
        for learner in learners
    ]
    results: Results = {}
    for done, (learner, data, budget, seed) in enumerate(runs, 1):
        metrics = cache.get(learner, data, budget, seed)
        if metrics is None:
            progress = f"{done}/{len(runs)} {data.name}, {budget} labels, seed {seed}: {learner}"
            sys.stderr.write(f"\r\033[K{progress}")
            sys.stderr.flush()
            metrics = measure(learners[learner], data, budget, seed)
            cache.put(learner, data, budget, seed, metrics)
        results[learner, data.name, budget, seed] = metrics
    sys.stderr.write("\r\033[K")
    return results


def table(
    results: Results, rows: dict[str, tuple[str, str | None]], metric: int, budgets: Sequence[int]
) -> str:
    """Write a Markdown table of means over sets and seeds, with the spread over seeds.

    Parameters
    ----------
    rows
        Learner and set of each row, by its heading; None is the mean of all sets.
    """
    lines = [
        f"| {METRICS[metric]} | " + " | ".join(f"{budget} labels" for budget in budgets) + " |",
        "|---" * (1 + len(budgets)) + "|",
    ]
    for heading, (learner, name) in rows.items():
        cells = [_cell(results, learner, name, budget, metric) for budget in budgets]
        lines.append(f"| {heading} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(results: Results, learner: str, name: str | None, budget: int, metric: int) -> str:
    by_seed: dict[int, list[float]] = {}
    for (of, data, labels, seed), metrics in results.items():
        if of == learner and labels == budget and name in {None, data}:
            by_seed.setdefault(seed, []).append(metrics[metric])
    means = [float(np.mean(values)) for values in by_seed.values()]
    return f"{np.mean(means):.3f} ± {np.std(means):.3f}"


def report(
    results: Results, learners: Sequence[str], names: Sequence[str], args: argparse.Namespace
) -> str:
    """Write all tables: each metric in the mean, then accuracy set by set."""
    means = {learner: (learner, None) for learner in learners}
    sets = {f"{name}, {learner}": (learner, name) for name in names for learner in LEARNERS}
    parts = [
        f"Mean of {len(names)} data sets ({', '.join(names)}) and {args.seeds} random draws of "
        "the labels; ± is the standard deviation over the draws.\n",
        *(table(results, means, metric, args.budgets) for metric in range(len(METRICS))),
        *(table(results, sets, metric, args.budgets) for metric in (0, 3)),
    ]
    return "\n".join(parts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="one folder a data set, as ../shared/data")
    parser.add_argument("--sets", nargs="+", default=[], help="only these (default: all)")
    parser.add_argument("--budgets", nargs="+", type=int, default=[20, 50, 100, 200, 1000])
    parser.add_argument("--seeds", type=int, default=5, help="random draws (default: 5)")
    parser.add_argument("--pool", type=int, default=10_000, help="texts without labels, at most")
    parser.add_argument("--cache", type=Path, help="folder that keeps what was measured")
    parser.add_argument("--ablation", action="store_true", help="leave out each ingredient, too")
    parser.add_argument("--output", type=Path, help="Markdown file (default: standard output)")
    arguments = parser.parse_args()
    learners = {**LEARNERS, **(ABLATION if arguments.ablation else {})}
    sets = list(read_sets(arguments.folder, arguments.sets, arguments.pool))
    if not sets:
        parser.error(f"no data set of one label a text in {arguments.folder}")
    results = run(learners, sets, arguments)
    text = report(results, list(learners), [data.name for data in sets], arguments)
    if arguments.output:
        arguments.output.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
