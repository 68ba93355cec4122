"""What is installed is what was locked, byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LOCKS = sorted((Path(__file__).parents[2] / "requirements").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_is_pinned_by_version_and_hash(lock: Path) -> None:
    packages = lock.read_text().replace("\\\n", " ").splitlines()
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", package), package[:80]


def test_all_lock_files_are_audited() -> None:
    script = (Path(__file__).parents[2] / "scripts" / "audit").read_text()
    (audited,) = re.findall(r"^for lock in (.*); do$", script, re.MULTILINE)
    assert set(audited.split()) == {lock.stem for lock in LOCKS} - {"audit"}
