from __future__ import annotations

from pathlib import Path

import pytest

from prelabel.errors import ConfigError
from prelabel.label_studio.rows import read_rows
from prelabel.protocol.bodies import MAX_PARTS


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": 1}, {"b": 2}]',
        b'{"a": 1}\n{"b": 2}',
        b'\xef\xbb\xbf  [{"a": 1},\r\n{"b": 2}]  \n',
        b'{"a": 1}\r\n\r\n  {"b": 2}\n\n',
    ],
)
def test_a_list_and_lines_are_the_same_rows(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert read_rows(tmp_path / "x") == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x1f\x8b\x08\x00", "is packed"),
        (b" \n\xef", "Line 1 of"),
        (b"[]", "has no tasks"),
        (b'[{"a": 1}', "is not JSON"),
        (b'{"a": 1}\n{"a"', "Line 2 of"),
        (b'{"a": 1}{"a": 2}', "Line 1 of"),
        (b'[{"a": 1}, 5]', "Task 2 of"),
        (b'"text"', "is a str"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "Line 1 of"),
        (b"text,label\nhello,ham\n", "Line 1 of"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_list_of_objects_is_refused_with_the_place(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        read_rows(tmp_path / "x.json")
    assert said in str(raised.value)
    assert "x.json" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_may_have_more_parts_than_a_request(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'[{"a": [' + b"[]," * MAX_PARTS + b"[]]}]")
    (row,) = read_rows(tmp_path / "x.json")
    assert len(row["a"]) == MAX_PARTS + 1


def test_the_place_in_a_line_is_counted_from_its_start(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b'{"a": 1}\n{"a": wrong}\n')
    with pytest.raises(ConfigError, match=r"Line 2 of .*column 7 "):
        read_rows(tmp_path / "x.jsonl")


@pytest.mark.parametrize(("name", "said"), [("", "directory"), ("none.json", "No such file")])
def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_rows(tmp_path / name)
