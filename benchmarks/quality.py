"""How good suggestions are after 0 to 1,000 labels: prelabel's model against the reference's.

    python benchmarks/quality.py DATA --cache .benchmarks > quality.md

Every learner sees the same examples, drawn at random from the train split, and is measured on the
test split. prelabel also sees the texts of the train split without their labels, as it does when
a project has been synchronised, and the names of the labels; if no text has a word of two names,
the first label is guessed before there are examples. The reference is the pipeline of
label-studio-ml-backend's ``sklearn_text_classifier`` (TF-IDF of word 1-3-grams, logistic
regression), its probabilities put under the right labels; where a text may have several labels,
which it cannot learn, its regression is done once a label. What was measured is kept in
``--cache``, with the code that gave it: a run that was interrupted goes on where it ended.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import one_label
import several_labels
import sklearn
from arguments import make_parser
from data_sets import DataSet, read_sets, read_sets_of_several
from results import Cache, Results, Run, digest_models, write_table

BUDGETS = [0, 20, 50, 100, 200, 1000]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The sets of one kind, and what is done with them.

    Attributes
    ----------
    kind
        Of the sets, for people.
    metrics
        What is measured; those at ``by_set`` are shown set by set, too.
    measure
        Returns the metrics of a learner, given a set and some of its texts and labels.
    """

    kind: str
    sets: Sequence[DataSet[Any]]
    learners: Mapping[str, Any]
    metrics: Sequence[str]
    by_set: Sequence[int]
    measure: Callable[[Any, DataSet[Any], Sequence[str], Sequence[Any]], list[float]]

    def run(self, learner: str, data: DataSet[Any], budget: int, seed: int) -> list[float]:
        """Measure a learner that is given the first labels of a random order."""
        order = np.random.default_rng(seed).permutation(len(data.texts))[:budget]
        texts, labels = ([column[i] for i in order] for column in (data.texts, data.labels))
        return self.measure(self.learners[learner], data, texts, labels)


def run_all(part: Part, arguments: argparse.Namespace) -> Results:
    """Measure all that is not cached, telling how far it is."""
    known, code = Cache(arguments.cache), digest_models()
    runs = [
        (Run(learner=learner, code=f"scikit-learn {sklearn.__version__}" if learner == "reference"
             else code, data_set=data.name, pool=len(data.texts), budget=budget, seed=seed), data)
        for data in part.sets  # one after the other: what is learned of their texts is remembered
        for budget in sorted(arguments.budgets)
        for seed in range(arguments.seeds)
        for learner in part.learners
    ]  # fmt: skip
    results: dict[Run, Sequence[float]] = {}
    for done, (run, data) in enumerate(runs, 1):
        metrics = known.get(run)
        if metrics is None:
            what = f"{run.data_set}, {run.budget} labels, seed {run.seed}: {run.learner}"
            sys.stderr.write(f"\r\033[K{done}/{len(runs)} {what}")
            sys.stderr.flush()
            metrics = part.run(run.learner, data, run.budget, run.seed)
            known.put(run, metrics)
        results[run] = metrics
    sys.stderr.write("\r\033[K")
    return results


def write_report(part: Part, results: Results) -> str:
    """Write all tables: each metric in the mean, then some set by set."""
    names = [data.name for data in part.sets]
    means = {learner: (learner, None) for learner in part.learners}
    both = [learner for learner in part.learners if learner in one_label.LEARNERS]
    by_set = {f"{name}, {of}": (of, name) for name in names for of in both}
    metrics = list(enumerate(part.metrics))
    parts = [
        f"Mean of {len(names)} data sets of {part.kind} ({', '.join(names)}) and of "
        f"{len({run.seed for run in results})} random draws of the labels; ± is the standard "
        "deviation over the draws.\n",
        *(write_table(results, means, metric) for metric in metrics),
        *(write_table(results, by_set, metrics[i]) for i in part.by_set),
    ]
    return "\n".join(parts)


def read_parts(arguments: argparse.Namespace) -> list[Part]:
    """Return what is to be measured: sets of one label a text, sets of several."""
    parts = []
    for kind, module, read, by_set in (
        ("one label a text", one_label, read_sets, (0, 3)),
        ("several labels a text", several_labels, read_sets_of_several, (0, 1)),
    ):
        sets = list(read(arguments.folder, arguments.sets, max_texts=arguments.pool))
        known = {**module.LEARNERS, **(module.ABLATION if arguments.ablation else {})}
        wanted = arguments.learners or known
        learners = {name: learner for name, learner in known.items() if name in wanted}
        if sets and learners:
            parts.append(
                Part(
                    kind=kind,
                    sets=sets,
                    learners=learners,
                    metrics=module.METRICS,
                    by_set=by_set,
                    measure=module.measure,
                )
            )
    return parts


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--sets", nargs="+", default=[], help="only these (default: all)")
    parser.add_argument("--budgets", nargs="+", type=int, default=BUDGETS)
    parser.add_argument("--seeds", type=int, default=5, help="random draws (default: 5)")
    parser.add_argument("--pool", type=int, default=10_000, help="texts without labels, at most")
    parser.add_argument("--cache", type=Path, help="folder that keeps what was measured")
    parser.add_argument("--ablation", action="store_true", help="vary each ingredient, too")
    parser.add_argument("--learners", nargs="+", help="only these (default: all)")
    arguments = parser.parse_args()
    parts = read_parts(arguments)
    if not parts:
        parser.error(f"no such data set in {arguments.folder}, or no such learner")
    sys.stdout.write("\n".join(write_report(part, run_all(part, arguments)) for part in parts))


if __name__ == "__main__":
    main()
