"""What was measured, as a picture. Only drawing imports matplotlib, an optional dependency."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from prelabel.cli.findings import Finding
from prelabel.cli.report import count_columns, most_confused, show_label, show_percent
from prelabel.errors import ConfigError
from prelabel.loop.evaluation import Evaluation
from prelabel.loop.experiment import DRAWS
from prelabel.loop.learning_curve import LearningCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDINGS = (".svg", ".png")

_INK, _PALE, _BLUE = "#1f2933", "#7b8794", "#2563a8"
_LABELS_SHOWN = 20
_HEADROOM = 0.08  # above 100 %, for the number there: the caption stands over it
_INCHES = 0.08  # of a column of letters
_COLUMNS_BESIDE = 12  # of a label, for which there is room without making the picture wider
_NUMBERS_SHOWN = 12  # labels at most for which cells have room for a number
_CHINESE = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "PingFang SC")
_NO_FONT = (
    "Some signs are boxes in the picture: install a font (as fonts-noto-cjk), or draw an .svg."
)
_STYLE: dict[Any, Any] = {  # matplotlib spells out the type of every key
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _PALE,
    "axes.labelcolor": _PALE,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titlepad": 26,
    "text.parse_math": False,  # a label's "$" is none of TeX's
    "xtick.color": _PALE,
    "ytick.color": _PALE,
    "figure.constrained_layout.w_pad": 0.15,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.wspace": 0.06,
    "svg.fonttype": "none",  # text stays text, in the reader's own font
    "svg.hashsalt": "prelabel",  # equal results, equal files
}


def require_picture(path: Path | None) -> None:
    """Raise `ConfigError` if no picture of that name can be drawn; None is fine."""
    if path is None:
        return
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(
            f"Received the picture {path}",
            expected=f"a name that ends in {' or '.join(ENDINGS)}",
            fix="Correct --picture.",
        )
    if find_spec("matplotlib") is None:
        raise ConfigError(
            "--picture needs matplotlib, which is not installed",
            expected="matplotlib beside prelabel",
            fix=f"Run: {sys.executable} -m pip install matplotlib",
        )


def draw(path: Path, findings: Sequence[Finding]) -> None:
    """Draw the learning curve of each control, and beside it what its labels are taken for."""
    import matplotlib as mpl  # noqa: PLC0415 - optional, and slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    shown = [_choose_labels(f.evaluation) if f.evaluation else [] for f in findings]
    heights = [max(4.4, 2.0 + 0.26 * len(labels)) for labels in shown]
    wider = max(_measure_names(labels) for labels in shown)
    below = sum(_measure_names(labels) for labels in shown if _is_narrow(labels))
    size = (10.5 + wider, sum(heights) + below)
    style = {**_STYLE, "font.family": _families()}
    with mpl.rc_context(style), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure = Figure(figsize=size, layout="constrained")
        rows = figure.subplots(
            len(findings), 2, width_ratios=(1.15, 1), height_ratios=heights, squeeze=False
        )
        for (left, right), finding, labels in zip(rows, findings, shown, strict=True):
            _draw_finding(left, right, finding, labels)
            if len(findings) > 1:
                left.set_ylabel(show_label(finding.lesson.name))
        is_svg = path.suffix.lower() == ".svg"
        figure.savefig(path, dpi=200, metadata={"Date": None} if is_svg else None)
    if not is_svg and any(str(warning.message).startswith("Glyph") for warning in caught):
        click.echo(_NO_FONT, err=True)


def _draw_finding(left: Axes, right: Axes, finding: Finding, labels: list[str]) -> None:
    if finding.curve:
        _draw_curve(left, finding.curve)
    else:
        _leave_out(left, "Too few texts for a learning curve")
    if finding.evaluation is None:
        _leave_out(right, "Too few texts to measure")
    elif finding.evaluation.confusion:
        _draw_confusion(right, finding.evaluation, labels)
    else:
        _draw_f1(right, finding.evaluation, labels)


def _draw_curve(axes: Axes, curve: LearningCurve) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - optional

    budgets = [point.n_examples for point in curve.points]
    values = np.array([100 * point.value for point in curve.points])
    spreads = np.array([100 * (point.spread or 0) for point in curve.points])
    band = np.maximum(0, values - spreads), np.minimum(100, values + spreads)
    axes.fill_between(budgets, *band, color=_BLUE, alpha=0.13, linewidth=0)
    axes.plot(budgets, values, color=_BLUE, linewidth=1.8, marker="o", markersize=4)
    lowest = max(0, 10 * np.floor((min(band[0].min(), values.min()) - 10) / 10))
    for budget, before, value in zip(budgets, [values[0], *values[:-1]], values, strict=True):
        # Where the line comes from above there is room below it, if not for the axis' numbers.
        is_below = value < before and value - lowest > _HEADROOM * (100 - lowest)
        axes.annotate(
            show_percent(value), (budget, value), xytext=(-3, -14 if is_below else 7),
            textcoords="offset points", ha="right", color=_BLUE,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("labels learned")
    axes.margins(x=0.14)
    axes.set_ylim(lowest, 100 + _HEADROOM * (100 - lowest))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter("{x:.0f} %")
    axes.grid(axis="y", color=_PALE, alpha=0.18, linewidth=0.6)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    caption = f"on {curve.n_texts:,} texts left out; band: standard deviation of {DRAWS} draws"
    _entitle(axes, f"{curve.measure[0].upper()}{curve.measure[1:]} by number of labels", caption)


def _draw_confusion(axes: Axes, evaluation: Evaluation, labels: list[str]) -> None:
    counts = np.array([[evaluation.confusion.get(t, {}).get(p, 0) for p in labels] for t in labels])
    supports = np.array([max(1, evaluation.per_label[label].support) for label in labels])
    shares = counts / supports[:, np.newaxis]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
    if len(labels) <= _NUMBERS_SHOWN:
        for (row, column), count in np.ndenumerate(counts):
            ink = "white" if shares[row, column] > 0.6 else _INK
            axes.text(
                column, row, f"{count:,}" if count else "", ha="center", va="center", color=ink
            )
    names = [show_label(label) for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=90 if _is_narrow(labels) else 0)
    axes.set_yticks(range(len(labels)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    part = _name_part(evaluation, labels, "most confused labels")
    axes.set_xlabel(f"label predicted{part and f' ({part})'}")
    axes.set_ylabel("label people gave")
    caption = f"{evaluation.n_examples:,} examples left out; shade: share of a row"
    _entitle(axes, "What is taken for what", caption)


def _draw_f1(axes: Axes, evaluation: Evaluation, labels: list[str]) -> None:
    scores = [100 * evaluation.per_label[label].f1 for label in labels]
    axes.barh(range(len(labels)), scores, color=_BLUE, height=0.6)
    axes.set_yticks(range(len(labels)), [show_label(label) for label in labels])
    for row, score in enumerate(scores):
        axes.text(score + 1, row, show_percent(score), va="center", color=_BLUE)
    axes.invert_yaxis()
    axes.set_xlim(0, 110)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(_name_part(evaluation, labels, "labels given most often"))
    caption = f"{evaluation.n_examples:,} examples left out"
    _entitle(axes, "F1 of each label", caption)


def _choose_labels(evaluation: Evaluation) -> list[str]:
    """Return all labels, or the most telling ones where all are too many to read.

    They are those most often confused, and then, or if that is not known, given.
    """
    errors: Counter[str] = Counter()
    for truth, predicted, count in most_confused(evaluation):
        errors.update({truth: count, predicted: count})
    found = evaluation.per_label
    ordered = sorted(found, key=lambda label: (errors[label], found[label].support), reverse=True)
    return sorted(ordered[:_LABELS_SHOWN])


def _name_part(evaluation: Evaluation, labels: Sequence[str], what: str) -> str:
    """Return which of the labels are shown; nothing if all are."""
    n_labels = len(evaluation.per_label)
    return f"the {len(labels)} {what} of {n_labels}" if len(labels) < n_labels else ""


def _find_widest(labels: Sequence[str]) -> int:
    """Return how many columns of letters the longest name takes."""
    return max((count_columns(show_label(label)) for label in labels), default=0)


def _measure_names(labels: Sequence[str]) -> float:
    """Return how many inches names take beyond those that there are for them."""
    return _INCHES * max(0, _find_widest(labels) - _COLUMNS_BESIDE)


def _is_narrow(labels: Sequence[str]) -> bool:
    """Whether names under a table of all labels would run into each other."""
    return len(labels) * _find_widest(labels) > 40


def _entitle(axes: Axes, title: str, caption: str) -> None:
    axes.set_title(title)
    axes.annotate(
        caption, (0, 1), xytext=(0, 9), xycoords="axes fraction", textcoords="offset points",
        color=_PALE, fontsize=8.5,
    )  # fmt: skip


def _leave_out(axes: Axes, reason: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, reason, ha="center", va="center", color=_PALE)


def _families() -> list[str]:
    from matplotlib.font_manager import get_font_names  # noqa: PLC0415 - optional

    installed = set(get_font_names())
    return ["DejaVu Sans", *(name for name in _CHINESE if name in installed)]
