"""How good suggestions are after 0 to 1,000 labels: prelabel's model against the reference's.

    python benchmarks/quality.py DATA --cache .benchmarks --output quality.md

Every learner sees the same examples, drawn at random from the train split, and is measured on the
test split. prelabel also sees the texts of the train split without their labels, as it does when
a project has been synchronised, and the names of the labels; if no text has a word of two names,
the first label is guessed before there are examples. The reference is the pipeline of
label-studio-ml-backend's ``sklearn_text_classifier`` (TF-IDF of word 1-3-grams, logistic
regression), its probabilities put under the right labels. What was measured is kept in
``--cache``, with the code that gave it: a run that was interrupted goes on where it ended.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sklearn
from data_sets import DataSet, read_sets
from results import Cache, Results, Run, write_table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

import prelabel.models
from prelabel.errors import NotEnoughLabelsError
from prelabel.models.logistic import SklearnTextClassifier

METRICS = ("accuracy", "macro-F1", "log-loss", "ECE", "CPU seconds to fit")
_BINS = 15
_LEAST_PROBABILITY = 1e-4  # a label never seen costs a log-loss of 9, not infinity

Probabilities = npt.NDArray[np.floating]
Fitted = tuple[Sequence[str], Callable[[Sequence[str]], Probabilities]]
"""Classes, and what gives their probabilities."""
Learner = Callable[[DataSet, Sequence[str], Sequence[str]], Fitted]
"""Learns from texts and their labels, and from what else the set tells."""


def learn_reference(data: DataSet, texts: Sequence[str], labels: Sequence[str]) -> Fitted:
    """Fit as the reference does, with its default C; before the first label on the names."""
    texts, labels = (texts, labels) if texts else (list(data.names), list(data.names))
    # https://github.com/HumanSignal/label-studio-ml-backend/blob/d02cedf/label_studio_ml/examples/sklearn_text_classifier/model.py
    tokens = r"(?u)\b\w\w+\b|\w"
    vectorizer = TfidfVectorizer(ngram_range=(1, 3), token_pattern=tokens)
    model = LogisticRegression(C=10)
    model.fit(vectorizer.fit_transform(texts), labels)
    return model.classes_, lambda some: model.predict_proba(vectorizer.transform(some))


def _learn(learner: Learner, data: DataSet, texts: Sequence[str], labels: Sequence[str]) -> Fitted:
    """Let a learner learn; guess where none can: a single label, or names that no text has."""
    if len(set(labels)) != 1:
        try:
            return learner(data, texts, labels)
        except NotEnoughLabelsError:
            if labels:
                raise
    classes = sorted(set(labels)) or list(data.names)
    return classes, lambda some: np.full((len(some), len(classes)), 1 / len(classes))


def ours(
    *, pool: bool = True, names: bool = True, n_components: int = 100, **settings: object
) -> Learner:
    """Return prelabel's learner, with or without an ingredient."""

    def learn(data: DataSet, texts: Sequence[str], labels: Sequence[str]) -> Fitted:
        model = SklearnTextClassifier(n_components=n_components, **settings)  # type: ignore[arg-type]
        model.fit(
            texts,
            labels,
            unlabeled=data.texts if pool else None,
            label_names=data.names if names else None,
        )
        return model.classes_, model.predict_proba

    return learn


LEARNERS: dict[str, Learner] = {"reference": learn_reference, "prelabel": ours()}
ABLATION: dict[str, Learner] = {
    "without semantic directions": ours(n_components=0),
    "without unlabeled texts": ours(pool=False),
    "without label names": ours(names=False),
    "without all three": ours(pool=False, names=False),
    "50 semantic directions": ours(n_components=50),
    "200 semantic directions": ours(n_components=200),
    'C="auto"': ours(C="auto"),
}


def measure(learner: Learner, data: DataSet, budget: int, seed: int) -> list[float]:
    """Return the `METRICS` of a learner given the first labels of a random order.

    What was learned from unlabeled texts is not in the time to fit: it serves many fits.
    """
    order = np.random.default_rng(seed).permutation(len(data.texts))[:budget]
    texts, labels = ([column[i] for i in order] for column in (data.texts, data.labels))
    start = time.process_time()
    classes, predict = _learn(learner, data, texts, labels)
    seconds = time.process_time() - start
    probabilities = predict(data.test_texts)
    return [*_score(classes, probabilities, data.test_labels), seconds]


def _score(
    classes: Sequence[str], probabilities: Probabilities, truth: Sequence[str]
) -> list[float]:
    predicted = [str(classes[i]) for i in probabilities.argmax(axis=1)]
    right = np.array([a == b for a, b in zip(predicted, truth, strict=True)])
    columns = {str(label): i for i, label in enumerate(classes)}
    of_truth = [
        row[columns[label]] if label in columns else 0.0
        for row, label in zip(probabilities, truth, strict=True)
    ]
    log_loss = -np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean()
    confidence = probabilities.max(axis=1)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.abs(np.bincount(bins, right) - np.bincount(bins, confidence))
    macro = f1_score(truth, predicted, average="macro", zero_division=0)
    return [float(right.mean()), float(macro), float(log_loss), float(gaps.sum() / len(right))]


def run_all(
    learners: Mapping[str, Learner], sets: Sequence[DataSet], arguments: argparse.Namespace
) -> Results:
    """Measure all that is not cached, the cheapest first, telling how far it is."""
    known, code = Cache(arguments.cache), _digest_models()
    runs = [
        (Run(learner=learner, code=f"scikit-learn {sklearn.__version__}" if learner == "reference"
             else code, data_set=data.name, pool=len(data.texts), budget=budget, seed=seed), data)
        for budget in sorted(arguments.budgets)
        for seed in range(arguments.seeds)
        for data in sets
        for learner in learners
    ]  # fmt: skip
    results: dict[Run, Sequence[float]] = {}
    for done, (run, data) in enumerate(runs, 1):
        metrics = known.get(run)
        if metrics is None:
            what = f"{run.data_set}, {run.budget} labels, seed {run.seed}: {run.learner}"
            sys.stderr.write(f"\r\033[K{done}/{len(runs)} {what}")
            sys.stderr.flush()
            metrics = measure(learners[run.learner], data, run.budget, run.seed)
            known.put(run, metrics)
        results[run] = metrics
    sys.stderr.write("\r\033[K")
    return results


def _digest_models() -> str:
    code = hashlib.sha256()
    for path in sorted(Path(prelabel.models.__path__[0]).glob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()[:16]


def write_report(results: Results) -> str:
    """Write all tables: each metric in the mean, then accuracy and ECE set by set."""
    learners, names = (
        list(dict.fromkeys(column))
        for column in zip(*((run.learner, run.data_set) for run in results), strict=True)
    )
    means = {learner: (learner, None) for learner in learners}
    by_set = {f"{name}, {of}": (of, name) for name in names for of in learners if of in LEARNERS}
    metrics = list(enumerate(METRICS))
    parts = [
        f"Mean of {len(names)} data sets ({', '.join(names)}) and of "
        f"{len({run.seed for run in results})} random draws of the labels; ± is the standard "
        "deviation over the draws.\n",
        *(write_table(results, means, metric) for metric in metrics),
        *(write_table(results, by_set, metrics[i]) for i in (0, 3)),
    ]
    return "\n".join(parts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder of data sets: a folder each")
    parser.add_argument("--sets", nargs="+", default=[], help="only these (default: all)")
    parser.add_argument("--budgets", nargs="+", type=int, default=[0, 20, 50, 100, 200, 1000])
    parser.add_argument("--seeds", type=int, default=5, help="random draws (default: 5)")
    parser.add_argument("--pool", type=int, default=10_000, help="texts without labels, at most")
    parser.add_argument("--cache", type=Path, help="folder that keeps what was measured")
    parser.add_argument("--ablation", action="store_true", help="vary each ingredient, too")
    parser.add_argument("--learners", nargs="+", help="only these (default: all)")
    parser.add_argument("--output", type=Path, help="Markdown file (default: standard output)")
    arguments = parser.parse_args()
    learners = {**LEARNERS, **(ABLATION if arguments.ablation else {})}
    chosen = {name: learners[name] for name in arguments.learners or learners}
    sets = list(read_sets(arguments.folder, arguments.sets, max_texts=arguments.pool))
    if not sets:
        parser.error(f"no data set of one label a text in {arguments.folder}")
    text = write_report(run_all(chosen, sets, arguments))
    if arguments.output:
        arguments.output.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
