"""Counts what each parser and route was given; `scripts/fuzz` gives them twenty times as much."""

from __future__ import annotations

from collections import Counter

import pytest

from prelabel.errors import PrelabelError

tried: Counter[str] = Counter()


def count(what: str) -> None:
    """Remember that a parser or route has taken one more input, whatever it said to it."""
    tried[what] += 1


def require_short(refusal: PrelabelError) -> None:
    """Fail if what is shown to people, and logged, is as long as what was sent."""
    assert len(str(refusal)) < 5_000


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not tried:
        return
    n_failed = len(terminalreporter.getreports("failed"))
    terminalreporter.write_sep("=", f"inputs tried; {n_failed} tests failed")
    for what, number in sorted(tried.items()):
        terminalreporter.write_line(f"{what:<44} {number:>9,}")
