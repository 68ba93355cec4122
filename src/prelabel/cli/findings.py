"""What was measured of each control, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prelabel.cli.report import describe_curve, describe_evaluation, join
from prelabel.label_config import Kind
from prelabel.loop.evaluation import Evaluation
from prelabel.loop.experiment import LEAST_TEXTS
from prelabel.loop.learning_curve import LearningCurve
from prelabel.loop.lesson import Lesson
from prelabel.models.folds import FEWEST_TEXTS


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
        f"{n_examples} examples of {len(lesson.counts)} labels "
        f'(control "{lesson.name}", text {lesson.control.data_keys}), '
        f"and {len(lesson.pool) - n_examples} texts without a label."
    ]
    nothing = [f"Too few different texts to measure anything: that takes {FEWEST_TEXTS}."]
    yield describe_evaluation(finding.evaluation) if finding.evaluation else nothing
    no_curve = [f"No learning curve: that takes {LEAST_TEXTS} different texts."]
    yield describe_curve(finding.curve) if finding.curve else no_curve
    if finding.curve and lesson.control.kind is Kind.SEVERAL:
        yield ["Accuracy in this curve: labels both given and predicted, of all that are either."]


def to_json(findings: Sequence[Finding]) -> str:
    """Return everything as JSON, by control."""
    results = {
        finding.lesson.name: {
            "examples": len(finding.lesson.examples),
            "texts": len(finding.lesson.pool),
            "evaluation": finding.evaluation.to_mapping() if finding.evaluation else None,
            "learning_curve": finding.curve.to_mapping() if finding.curve else None,
        }
        for finding in findings
    }
    return json.dumps({"controls": results}, ensure_ascii=False, indent=2) + "\n"
