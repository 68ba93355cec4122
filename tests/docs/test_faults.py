"""Every fault in the table is injected by a test that is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAST = 25


def read_rows() -> list[list[str]]:
    page = (ROOT / "docs" / "explanation" / "faults.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in rows if "`tests/" in row[-1]]


def test_there_are_as_many_rows_as_promised_and_all_are_full() -> None:
    rows = read_rows()
    assert len(rows) >= LEAST
    assert len({row[0] for row in rows}) == len(rows), "no fault twice"
    assert all(len(row) == 5 and all(row) for row in rows)


@pytest.mark.parametrize("row", read_rows(), ids=lambda row: row[0])
def test_the_test_that_injects_a_fault_is_there(row: list[str]) -> None:
    file, _, name = row[-1].strip("`").partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
