"""Files and values that people give: exports, JSON lines, backups, settings, addresses."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.errors import ConfigError, MalformedError, UpstreamError
from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.label_studio.export import read_export
from prelabel.label_studio.hosts import FetchHosts
from prelabel.label_studio.pages import PageBody, read_counts, read_page, read_summary
from prelabel.label_studio.places import locate
from prelabel.label_studio.refusals import read_detail, read_retry_after
from prelabel.loop.course import read_course
from prelabel.models.logistic import SklearnTextClassifier
from prelabel.models.method import Method
from prelabel.protocol.bodies import decode
from prelabel.protocol.extra_params import read_extra_params
from prelabel.settings import load_settings, variables
from prelabel.storage.backup import read_backup, write_backup
from prelabel.storage.database import Database
from prelabel.storage.labels import LabelStore
from tests.builders import PROJECT, annotated, examples
from tests.exports import annotation, min_row, task
from tests.fuzz.conftest import count, require_short
from tests.fuzz.inputs import LABEL_CONFIGS, anything, edited, near, odd_text

METHOD = Method(model_class=SklearnTextClassifier)
SCHEMAS = [None, *map(parse_label_config, LABEL_CONFIGS)]

ROWS: list[Any] = [
    task("see you at six", annotation("ham")),
    task("cheap pills", annotation("spam"), annotation(None)),
    min_row("call me", "ham", 3),
    {"text": "free prize", "label": "spam"},
]


def read(content: bytes, schema: LabelSchema | None) -> None:
    """Read a file of tasks, and what it teaches."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(content)
        file.flush()
        try:
            export = read_export(Path(file.name), schema)
        except ConfigError as refusal:
            require_short(refusal)
            return
    course = read_course(export.schema, export.annotated, [t.data for t in export.tasks], METHOD)
    assert course.write_receipt().fingerprint
    assert isinstance(export.other_labels, list)


@given(rows=near(ROWS) | st.lists(st.sampled_from(ROWS).flatmap(near), max_size=5),
       schema=st.sampled_from(SCHEMAS))  # fmt: skip
def test_any_rows_of_an_export_are_read_or_refused(
    rows: object, schema: LabelSchema | None
) -> None:
    count("export: rows")
    read(json.dumps(rows).encode(), schema)


SEEDS = [
    json.dumps(ROWS).encode(),
    *(json.dumps([row] * 2).encode() for row in ROWS),
    b"".join(json.dumps(row).encode() + b"\n" for row in ROWS),
]


@given(edited(SEEDS) | st.binary(max_size=50), st.sampled_from(SCHEMAS))
def test_any_bytes_of_an_export_are_read_or_refused(
    content: bytes, schema: LabelSchema | None
) -> None:
    count("export: bytes and JSON lines")
    read(content, schema)


# Backups


@pytest.fixture(scope="module")
def backup(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("backup")
    path = folder / "data" / "prelabel.sqlite3"
    path.parent.mkdir()
    path.write_bytes(migrated.read_bytes())
    with Database(path) as database:
        LabelStore(database).apply(annotated(*examples(["sports", "cooking"])))
        write_backup(database, folder / "backup.tar")
    return (folder / "backup.tar").read_bytes()


flips = st.lists(st.tuples(st.integers(0, 2**18), st.integers(0, 255)), max_size=5)


@given(data=st.data(), flips=flips)
def test_a_spoilt_backup_is_restored_whole_or_leaves_nothing(
    backup: bytes, data: st.DataObject, flips: list[tuple[int, int]]
) -> None:
    count("backup")
    content = bytearray(data.draw(edited([backup, backup[:2000]])))
    for place, byte in flips:  # most of it are pages of the database
        if content:
            content[place % len(content)] = byte
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "backup.tar").write_bytes(content)
        try:
            read_backup(folder / "backup.tar", folder / "data" / "prelabel.sqlite3")
        except ConfigError:
            assert [path.name for path in folder.iterdir()] == ["backup.tar"]
        else:
            assert {path.name for path in folder.iterdir()} == {"backup.tar", "data"}
            assert all(path.resolve().is_relative_to(folder) for path in folder.rglob("*"))


# Values


names = st.sampled_from(sorted(variables()))
values = odd_text | st.text(max_size=30) | st.integers().map(str)


@given(st.dictionaries(names, values.filter(lambda v: "\0" not in v and v.isprintable())))
def test_any_settings_are_taken_or_refused_and_no_secret_is_shown(
    environment: dict[str, str],
) -> None:
    count("settings")
    kept = {name: value for name, value in os.environ.items() if name not in variables()}
    with mock.patch.dict(os.environ, {**kept, **environment}, clear=True):
        try:
            shown = repr(load_settings())
        except ConfigError as error:
            shown = str(error)
    for name in ("LABEL_STUDIO_API_KEY", "BASIC_AUTH_PASS", "PRELABEL_TOKEN"):
        secret = environment.get(name, "")
        assert len(secret) < 16 or secret not in shown


@given(near({"C": 1.0, "train_every": 5, "min_score": 0.5}) | odd_text)
def test_any_extra_params_are_within_range_or_refused(given_: object) -> None:
    count("extra params")
    for sent in (given_, json.dumps(given_)):
        try:
            params = read_extra_params(sent)
        except MalformedError:
            continue
        assert params.min_score is None or 0 <= params.min_score <= 1


@given(odd_text | st.text(max_size=60), st.sampled_from(["", "http://", "s3://", "/data/upload/"]))
def test_no_address_in_a_task_takes_the_key_to_another_host(address: str, start: str) -> None:
    count("address in a task")
    try:
        place = locate(start + address, "http://ls:8080/x", PROJECT)
    except UpstreamError:
        return
    assert not place.needs_key or place.url.host == "ls"


@given(odd_text | st.text(max_size=60))
def test_no_list_of_hosts_lets_in_one_without_a_name(text: str) -> None:
    count("list of hosts")
    try:
        hosts = FetchHosts.parse(text)
    except ConfigError:
        return
    assert not hosts.has_name("")


# What Label Studio answers


PAGE = {
    "tasks": [{**ROWS[0], "id": 7, "updated_at": "2026-11-23T15:26:58Z", "total_annotations": 1}],
    "total": 1, "total_annotations": 1,
}  # fmt: skip


@given(near(PAGE), st.integers(0, 9))
def test_any_page_of_tasks_goes_on_or_is_refused(page: object, after_id: int) -> None:
    count("Label Studio: pages")
    try:
        body = decode(json.dumps(page).encode(), PageBody)
        read_summary(body)
        tasks, last = read_page(body, after_id=after_id)
        assert last is None or last > after_id
        assert all(t.id > after_id for t, _ in tasks)
        read_counts(body, after_id=after_id)
    except MalformedError:
        pass


@given(edited([b'{"detail": "Validation error", "validation_errors": {"url": ["x"]}}']), odd_text)
def test_any_refusal_of_label_studio_can_be_told(body: bytes, retry_after: str) -> None:
    count("Label Studio: refusals")
    assert isinstance(read_detail(body), str)
    assert 0 <= read_retry_after(retry_after) <= 24 * 3600


@given(anything)
def test_any_json_is_decoded_or_refused(value: object) -> None:
    count("JSON: any value")
    try:
        decode(json.dumps(value).encode(), dict[str, Any])
    except MalformedError as refusal:
        require_short(refusal)
