"""What was measured, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from unicodedata import east_asian_width

from prelabel.loop.evaluation import Evaluation
from prelabel.loop.learning_curve import LearningCurve

_LABEL_COLUMNS = 40
_PAIRS_SHOWN = 5
_BAR_COLUMNS = 40


def describe_evaluation(evaluation: Evaluation) -> Iterator[str]:
    """Yield lines: the measures, a table of labels, the most confused pairs."""
    yield f"On {evaluation.n_examples} examples, each judged by a fit that had not seen it:"
    yield ""
    for name, value in (
        ("accuracy", evaluation.accuracy), ("micro-F1", evaluation.micro_f1),
        ("macro-F1", evaluation.macro_f1),
        ("log-loss", evaluation.log_loss), ("ECE", evaluation.ece),
    ):  # fmt: skip
        yield f"  {name:<9}{value:6.3f}"
    yield ""
    shown = {label: show_label(label) for label in evaluation.per_label}
    width = max(map(count_columns, ("label", *shown.values())))
    yield f"  {_pad('label', width)}  precision  recall     F1  support"
    for label, found in evaluation.per_label.items():
        yield (
            f"  {_pad(shown[label], width)}  {found.precision:9.3f}  {found.recall:6.3f}"
            f"  {found.f1:5.3f}  {found.support:7}"
        )
    yield from _describe_confusion(most_confused(evaluation))


def most_confused(evaluation: Evaluation) -> list[tuple[str, str, int]]:
    """Return (label people gave, label predicted, how often), the most frequent first."""
    pairs = [
        (truth, predicted, n)
        for truth, row in evaluation.confusion.items()
        for predicted, n in row.items()
        if truth != predicted
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair))


def _describe_confusion(pairs: list[tuple[str, str, int]]) -> Iterator[str]:
    if pairs:
        yield ""
        yield "  most confused (label given → label predicted)"
    for truth, predicted, n in pairs[:_PAIRS_SHOWN]:
        yield f"  {n:5}  {show_label(truth)} → {show_label(predicted)}"


def describe_curve(curve: LearningCurve) -> Iterator[str]:
    """Yield lines: accuracy or micro-F1 at each budget, and the advice."""
    yield f"Learning curve, on {curve.n_texts} texts, each left out of the fits that judge it:"
    yield ""
    yield f"  labels  {curve.measure}"
    for point in curve.points:
        spread = "        " if point.spread is None else f" ± {point.spread:.3f}"
        bar = "█" * round(_BAR_COLUMNS * point.value)
        yield f"  {point.n_examples:6}  {point.value:.3f}{spread}  {bar}"
    yield ""
    yield curve.advice


def count_of(n: int, noun: str) -> str:
    """Return how many there are, as people say it.

    >>> count_of(1, "text"), count_of(2, "text")
    ('1 text', '2 texts')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def join(parts: Iterable[Iterable[str]]) -> str:
    """Put parts under each other, with an empty line between two."""
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts)


def show_label(label: str) -> str:
    """Return a label fit for one cell: printable, and not too long, with both of its ends."""
    plain = "".join(c if c.isprintable() else " " for c in label)
    half = _LABEL_COLUMNS // 2
    return plain if len(plain) <= _LABEL_COLUMNS else f"{plain[: half - 1]}…{plain[-half:]}"


def show_percent(value: float) -> str:
    """Return a percentage in whole numbers, but for what would read as all or nothing and is not.

    >>> show_percent(99.83), show_percent(62.5), show_percent(0.04)
    ('99.8 %', '62 %', '0.1 %')
    """
    if 0 < value < 0.5 or 99.5 <= value < 100:
        return f"{min(99.9, max(0.1, value)):.1f} %"
    return f"{value:.0f} %"


def count_columns(text: str) -> int:
    """Return how many columns a terminal needs for it: Chinese signs are two wide."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - count_columns(text))
