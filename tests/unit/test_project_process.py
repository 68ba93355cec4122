from __future__ import annotations

from pathlib import Path

import pytest

from prelabel.custom.child import Orders
from prelabel.custom.process import ProjectProcess
from prelabel.errors import ModelError
from tests.builders import PROJECT

MODEL = """
from pathlib import Path

with Path(__file__).with_name("starts").open("a") as file:
    file.write("x")
raise RuntimeError("no")
"""


def test_a_start_that_failed_is_not_tried_again_at_every_request(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    process = ProjectProcess(
        Orders(
            target=tmp_path, project=PROJECT, database=tmp_path / "x.sqlite3",
            folder=tmp_path / "files", log_level="INFO", environment={},
        )
    )  # fmt: skip
    said = set()
    for _ in range(3):
        with pytest.raises(ModelError) as caught:
            process.ask("predict", b"{}", 60)
        said.add(str(caught.value))
    assert len(said) == 1
    assert (tmp_path / "starts").read_text() == "x"
