"""What was measured of each control, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prelabel.cli.report import (
    count_of,
    describe_curve,
    describe_evaluation,
    join,
    show_label,
)
from prelabel.label_config import Kind
from prelabel.loop.evaluation import Evaluation
from prelabel.loop.experiment import LEAST_TEXTS
from prelabel.loop.learning_curve import LearningCurve
from prelabel.loop.lesson import Lesson
from prelabel.models.folds import FEWEST_TEXTS

_MANY_SINGLE = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a control's lesson measured; None where there was too little to measure."""

    lesson: Lesson
    evaluation: Evaluation | None
    curve: LearningCurve | None


def describe(findings: Sequence[Finding]) -> str:
    """Return everything as text for a terminal, one control after the other."""
    return join(part for finding in findings for part in _describe(finding))


def _describe(finding: Finding) -> Iterator[Iterable[str]]:
    lesson, n_examples = finding.lesson, len(finding.lesson.examples)
    yield [
        f"{count_of(n_examples, 'example')} of {count_of(len(lesson.counts), 'label')} "
        f'(control "{lesson.name}", text {lesson.control.data_keys}), '
        f"and {count_of(lesson.n_unlabeled, 'text')} without a label.",
        *describe_limits(lesson),
    ]
    nothing = [f"Too few different texts to measure anything: that takes {FEWEST_TEXTS}."]
    yield describe_evaluation(finding.evaluation) if finding.evaluation else nothing
    if finding.evaluation and lesson.control.kind is Kind.RATING:
        yield [f"Off by {_find_distance(finding.evaluation):.2f} stars on average."]
    no_curve = [f"No learning curve: that takes {LEAST_TEXTS} different texts."]
    yield describe_curve(finding.curve) if finding.curve else no_curve


def describe_limits(lesson: Lesson) -> Iterator[str]:
    """Say what any accuracy is to be compared with: the least, the most, and for which labels."""
    decisions = Counter(example.labels for example in lesson.examples)
    n_examples = decisions.total()
    (frequent, n_frequent), *_ = decisions.most_common(1)
    if lesson.control.options_key is None:
        named = ", ".join(f'"{show_label(label)}"' for label in frequent) or "no label"
        yield f"Always {named} would have an accuracy of {n_frequent / n_examples:.3f}."
    of_texts: defaultdict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for example in lesson.examples:
        of_texts[example.text][example.labels] += 1
    n_possible = sum(max(found.values()) for found in of_texts.values())
    if n_possible < n_examples:
        yield (
            "Equal texts have different labels: no model can have an accuracy above "
            f"{n_possible / n_examples:.3f}."
        )
    n_single = sum(count == 1 for count in lesson.counts.values())
    if n_single > _MANY_SINGLE * n_examples:
        # Good, The population frequencies of species, https://doi.org/10.1093/biomet/40.3-4.237
        yield (
            f"{count_of(n_single, 'label')} of a single example: of new texts, about "
            f"{n_single / n_examples:.0%} have labels that none of these has."
        )


def _find_distance(evaluation: Evaluation) -> float:
    """Return by how many stars predictions are off, on average."""
    return (
        sum(
            n * abs(int(truth) - int(predicted))
            for truth, row in evaluation.confusion.items()
            for predicted, n in row.items()
        )
        / evaluation.n_examples
    )


def to_json(findings: Sequence[Finding]) -> str:
    """Return everything as JSON, by control."""
    results = {
        finding.lesson.name: {
            "examples": len(finding.lesson.examples),
            "texts": finding.lesson.n_texts,
            "evaluation": finding.evaluation.to_mapping() if finding.evaluation else None,
            "learning_curve": finding.curve.to_mapping() if finding.curve else None,
        }
        for finding in findings
    }
    return json.dumps({"controls": results}, ensure_ascii=False, indent=2) + "\n"
