"""What CONTRIBUTING.md asks of every module."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "src").rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_module_can_be_read_in_five_minutes(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) < 250
