from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

QUALITY = Path(__file__).parents[2] / "benchmarks" / "quality.py"
WORDS = {"stadium": ["team", "match", "goal"], "ledger": ["bank", "shares", "rates"]}


def write_set(folder: Path, *, multilabel: bool = False) -> None:
    folder.mkdir(parents=True)
    rows = [
        json.dumps({"text": f"the {word} of day {i}", "label": [label] if multilabel else label})
        for i in range(10)
        for label, words in WORDS.items()
        for word in words
    ]
    for part in ("train", "test"):
        (folder / f"{part}.jsonl").write_text("\n".join(rows))
    (folder / "meta.json").write_text(json.dumps({"multilabel": multilabel}))


def run(data: Path, cache: Path, *options: str) -> str:
    command = [sys.executable, str(QUALITY), str(data), "--cache", str(cache), "--seeds", "1"]
    return subprocess.run([*command, *options], check=True, capture_output=True, text=True).stdout


def test_it_measures_both_and_keeps_what_it_measured(tmp_path: Path) -> None:
    write_set(tmp_path / "data" / "news")
    report = run(tmp_path / "data", tmp_path / "cache", "--budgets", "0", "1", "30")
    assert "| accuracy | 0 labels | 1 labels | 30 labels |" in report
    assert "| prelabel | 0.500 ± 0.000 | 0.500 ± 0.000 | 1.000 ± 0.000 |" in report
    cache = tmp_path / "cache" / "quality.jsonl"
    before = cache.read_text()
    assert len(before.splitlines()) == 6
    assert run(tmp_path / "data", tmp_path / "cache", "--budgets", "0", "1", "30") == report
    assert cache.read_text() == before


def test_sets_of_several_labels_a_text_have_tables_of_their_own(tmp_path: Path) -> None:
    write_set(tmp_path / "data" / "news")
    write_set(tmp_path / "data" / "topics", multilabel=True)
    report = run(tmp_path / "data", tmp_path / "cache", "--budgets", "0", "30")
    of_one, of_several = report.split("data sets of several labels a text")
    assert "| accuracy | 0 labels | 30 labels |" in of_one
    assert "topics" not in of_one
    assert "| micro-F1 | 0 labels | 30 labels |" in of_several
    for learner in ("reference", "prelabel"):
        assert f"| topics, {learner} | 0.000 ± 0.000 | 1.000 ± 0.000 |" in of_several
    assert "news" not in of_several
