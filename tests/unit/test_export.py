from __future__ import annotations

from pathlib import Path

import pytest

from prelabel.errors import ConfigError
from prelabel.label_config import parse_label_config
from prelabel.label_studio.export import Export, read_export
from prelabel.loop.examples import read_examples
from prelabel.types import Annotation
from tests.builders import CONFIG
from tests.exports import Row, annotation, min_row, task, write, write_lines


def learned(export: Export) -> list[tuple[str, str, float]]:
    examples = read_examples(export.schema.controls[0], export.annotated)
    return sorted((example.text, example.label, round(example.weight, 2)) for example in examples)


ROWS = {
    "JSON": [task("a goal", annotation("sports")), task("a pan", annotation("cooking")), task("?")],
    "JSON-MIN": [
        min_row("a goal", "sports", 1), min_row("a pan", "cooking", 2), min_row("?", None, 3),
    ],
    "plain": [
        {"text": "a goal", "label": "sports"}, {"text": "a pan", "label": "cooking"}, {"text": "?"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("shape", ROWS)
@pytest.mark.parametrize("save", [write, write_lines])
def test_every_shape_says_the_same(tmp_path: Path, shape: str, save: type) -> None:
    export = read_export(save(tmp_path / "export.json", ROWS[shape]))
    assert learned(export) == [("a goal", "sports", 1), ("a pan", "cooking", 1)]
    assert [item.data["text"] for item in export.tasks] == ["a goal", "a pan", "?"]
    (control,) = export.schema.controls
    assert control.values == {"cooking", "sports"}
    assert control.name == ("label" if shape == "plain" else "topic")
    assert [(tag.name, tag.data_key) for tag in control.object_tags] == [("text", "text")]


def test_annotations_without_an_id_are_in_the_same_order_whatever_the_file_s_is(
    tmp_path: Path,
) -> None:
    rows = [{"text": f"{label} {n}", "label": label} for label in "abc" for n in range(30)]
    one, other = (
        read_examples(export.schema.controls[0], export.annotated)
        for export in (
            read_export(write(tmp_path / "one.json", rows)),
            read_export(write(tmp_path / "other.json", rows[::-1])),
        )
    )
    assert [example.text for example in one] == [example.text for example in other]
    assert {example.label for example in one[:30]} == set("abc"), "and not sorted by label"


@pytest.mark.parametrize("columns", [{"source": "a b", "url": "x/y"}, {"label_text": "ham"}])
def test_of_several_texts_of_a_plain_file_the_one_called_text_is_meant(
    tmp_path: Path, columns: dict[str, str]
) -> None:
    rows = [{"text": text, "label": text[2:], **columns} for text in ("a goal", "a pan")]
    (control,) = read_export(write(tmp_path / "x.json", rows)).schema.controls
    assert control.object_tags[0].data_key == "text"
    renamed = [{"body" if key == "text" else key: row[key] for key in row} for row in rows]
    with pytest.raises(ConfigError, match="several texts"):
        read_export(write(tmp_path / "x.json", renamed))


@pytest.mark.parametrize("shape", ROWS)
def test_a_labeling_config_says_what_is_meant_and_which_labels_there_are(
    tmp_path: Path, shape: str
) -> None:
    schema = parse_label_config(CONFIG.replace("cooking", "art"))
    export = read_export(write(tmp_path / "export.json", ROWS[shape]), schema)
    assert learned(export) == [("a goal", "sports", 1)]
    assert export.schema is schema
    assert export.other_labels == ["cooking"]


def test_rows_of_json_min_with_one_id_are_annotations_of_one_task(tmp_path: Path) -> None:
    rows = [min_row("a goal", label, 1, annotator=who, annotation_id=n)
            for n, (who, label) in enumerate([("ann@x", "sports"), ("bob@x", "sports"),
                                              ("ann@x", "cooking")], 1)]  # fmt: skip
    export = read_export(write(tmp_path / "export.json", rows))
    assert len(export.tasks) == 1
    assert learned(export) == [("a goal", "cooking", 0.5)]


def test_rows_with_one_id_and_other_texts_are_tasks_of_their_own(tmp_path: Path) -> None:
    rows = [{"id": 1, "text": text, "label": "sports"} for text in ("a goal", "a pan", "a goal")]
    for given in (rows, [min_row("a goal", "sports", 1), min_row("a pan", "sports", 1)]):
        export = read_export(write(tmp_path / "export.json", given))
        assert [item.data["text"] for item in export.tasks] == ["a goal", "a pan"]


def test_a_plain_row_keeps_what_label_studio_would_call_its_own(tmp_path: Path) -> None:
    row = {"id": "x17", "text": "a goal", "label": "sports", "created_at": "2026-11-23"}
    (item,) = read_export(write(tmp_path / "export.json", [row])).tasks
    assert item.data == {key: value for key, value in row.items() if key != "label"}
    (item,) = read_export(write(tmp_path / "min.json", [min_row("a goal", "sports", 1)])).tasks
    assert item.data == {"text": "a goal"}


@pytest.mark.parametrize("people", [(1, 2), ({"id": 1}, {"id": 2}), (None, None), ("a@x", "b@x")])
def test_annotators_are_told_apart_however_an_export_names_them(
    tmp_path: Path, people: tuple[object, object]
) -> None:
    both = [annotation("sports", by=who, id=n) for n, who in enumerate(people, 1)]
    more = annotation("cooking", by=people[0], id=3)
    export = read_export(write(tmp_path / "export.json", [task("a goal", *both, more)]))
    expected = ("sports", 0.67) if people == (None, None) else ("cooking", 0.5)
    assert learned(export) == [("a goal", *expected)]


def test_skipped_tasks_and_odd_annotations_are_no_examples(tmp_path: Path) -> None:
    rows: list[Row] = [
        task("a goal", annotation("sports", was_cancelled=True), annotation("cooking")),
        task("a pan", annotation("rare", was_cancelled=True), annotation(None)),
        {**task("a pot"), "annotations": ["odd", {"id": "x", "result": "y"}]},
        {**task("a lid"), "annotations": 5},
    ]
    export = read_export(write(tmp_path / "export.json", rows))
    assert learned(export) == [("a goal", "cooking", 1)]
    assert len(export.tasks) == 4
    assert "rare" not in export.schema.controls[0].values
    with_config = read_export(tmp_path / "export.json", parse_label_config(CONFIG))
    assert with_config.other_labels == [], "what was skipped was not decided"


MANY = {"choices": ["sports", "art"]}


def several() -> Row:
    chosen = annotation("sports")
    chosen["result"][0]["value"] = MANY
    return chosen


@pytest.mark.parametrize(
    "rows",
    [
        [task("a goal", several()), task("a pan", annotation("cooking"))],
        [min_row("a goal", MANY, 1), min_row("a pan", "cooking", 2)],
        [{"text": "a goal", "label": ["sports", "art"]}, {"text": "a pan", "label": "cooking"}],
    ],
)
def test_where_annotations_choose_several_labels_a_config_must_say_so(
    tmp_path: Path, rows: list[Row]
) -> None:
    path = write(tmp_path / "export.json", rows)
    with pytest.raises(ConfigError, match=r"several labels \(1 of 2, as sports, art\).*--config"):
        read_export(path)
    config = CONFIG.replace("single", "multiple")
    config = config.replace("</Choices>", '<Choice value="art"/></Choices>')
    schema = parse_label_config(config)
    examples = read_examples(schema.controls[0], read_export(path, schema).annotated)
    assert sorted(example.labels for example in examples) == [("art", "sports"), ("cooking",)]


def test_an_empty_list_says_that_no_label_applies(tmp_path: Path) -> None:
    schema = parse_label_config(CONFIG.replace("single", "multiple"))
    rows = [{"text": "a", "label": []}, {"text": "b", "label": ["sports"]}, {"text": "c"}]
    examples = read_examples(
        schema.controls[0], read_export(write(tmp_path / "x.json", rows), schema).annotated
    )
    assert [(example.text, example.labels) for example in examples] == [
        ("a", ()),
        ("b", ("sports",)),
    ]


def test_labels_may_be_numbers_or_stand_alone_in_a_list_but_not_be_nothing(tmp_path: Path) -> None:
    given = [0, 1, ["a"], None, "", [], [None], {"choices": []}]
    rows = [{"text": str(n), "label": label} for n, label in enumerate(given)]
    export = read_export(write(tmp_path / "export.json", rows))
    assert learned(export) == [("0", "0", 1), ("1", "1", 1), ("2", "a", 1)]


@pytest.mark.parametrize(("label", "kind"), [(True, "bool"), (1.5, "float")])
def test_labels_that_are_neither_texts_nor_whole_numbers_are_named(
    tmp_path: Path, label: object, kind: str
) -> None:
    path = write(tmp_path / "x.json", [{"text": "a", "label": label}, {"text": "b"}])
    with pytest.raises(ConfigError, match=rf"\(but a label that is {kind}\).*whole numbers"):
        read_export(path)


@pytest.mark.parametrize(("label", "kind"), [(True, "bool"), (1.0, "float")])
def test_among_other_labels_they_are_named_too_and_not_dropped(
    tmp_path: Path, label: object, kind: str
) -> None:
    rows = [{"text": "a", "label": label}, {"text": "b", "label": 1}, {"text": "c", "label": "x"}]
    path = write(tmp_path / "x.json", rows)
    with pytest.raises(ConfigError, match=rf"labels that are {kind} \(as {label}; 1 of 3\)"):
        read_export(path)


def test_who_calls_the_label_otherwise_is_told_what_it_is_to_be_called(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", [{"text": "a", "sentiment": "good"}])
    with pytest.raises(ConfigError, match=r"none under 'label'.*'sentiment', 'text'.*Rename"):
        read_export(path)


@pytest.mark.parametrize("kind", ["rating", "taxonomy", "labels"])
def test_annotations_of_other_kinds_are_named_and_need_a_config(tmp_path: Path, kind: str) -> None:
    other = annotation("x")
    other["result"][0] |= {"type": kind, "value": {kind: 4}}
    with pytest.raises(ConfigError, match=rf"chooses a label \(but {kind}\).*--config"):
        read_export(write(tmp_path / "export.json", [task("a goal", other)]))


def test_json_min_of_ratings_needs_a_config_and_is_not_to_be_exported_again(tmp_path: Path) -> None:
    row = {"review": {"text": "a goal"}, "id": 1, "stars": [{"rating": 4}], "annotator": 1}
    with pytest.raises(ConfigError, match=r"no annotation that chooses a label.*--config"):
        read_export(write(tmp_path / "min.json", [row]))


def test_choices_of_a_part_of_a_text_are_none_of_all_of_it(tmp_path: Path) -> None:
    of_part = annotation("a person")
    of_part["result"][0]["value"] |= {"start": 0, "end": 5, "text": "a goa"}
    path = write(tmp_path / "export.json", [task("a goal", of_part)])
    with pytest.raises(ConfigError, match=r"\(but choices of a part of a text\)"):
        read_export(path)
    both = annotation("sports")
    both["result"] += annotation("a person", name="who")["result"]
    both["result"][1]["value"] |= {"start": 0, "end": 5}
    export = read_export(write(tmp_path / "both.json", [task("a goal", both)]))
    assert learned(export) == [("a goal", "sports", 1)]


def test_annotations_without_an_id_keep_their_order(tmp_path: Path) -> None:
    rows = [task("a goal", annotation("sports", id=None)), task("a pan", annotation("art", id=9))]
    export = read_export(write(tmp_path / "export.json", rows))
    found: list[Annotation] = [item for _, item in export.annotated]
    assert found[0].id > found[1].id == 9


def test_a_key_that_label_studio_gives_to_uploaded_files_is_a_text(tmp_path: Path) -> None:
    rows = [{"data": {"$undefined$": "a goal"}, "annotations": [annotation("sports")]}]
    only = read_export(write(tmp_path / "export.json", rows))
    assert learned(only) == [("a goal", "sports", 1)]
    both = read_export(write(tmp_path / "both.json", [*rows, task("a pan", annotation("art"))]))
    assert both.schema.controls[0].object_tags[0].data_key == "text"
    assert len(learned(both)) == 2


def two_objects() -> Row:
    other = annotation("art")
    other["result"][0]["to_name"] = "title"
    return other


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([task("x", annotation("a"), annotation("b", name="mood"))], "controls with choices (mood"),
        ([task("x", annotation("a"), title="y")], "texts (text, title)"),
        ([task("x", annotation("a"), two_objects())], "object tags (text, title)"),
        ([min_row("x", "a", 1) | {"title": "y"}], "texts (text, title)"),
        ([{"data": {"n": 5}, "annotations": [annotation("a")]}], "no texts"),
    ],
)
def test_what_is_left_open_is_listed_and_a_config_closes_it(
    tmp_path: Path, rows: list[Row], said: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        read_export(write(tmp_path / "export.json", rows))
    assert said in str(raised.value)
    assert "--config" in raised.value.fix


@pytest.mark.parametrize("rows", [[task("x")], [{"text": "x"}], [{"b": 1, "a": []}]])
def test_an_export_without_labels_cannot_say_what_they_are_about(
    tmp_path: Path, rows: list[Row]
) -> None:
    with pytest.raises(ConfigError, match="no annotation that chooses a label"):
        read_export(write(tmp_path / "export.json", rows))


SEVERAL = CONFIG.replace(
    "</View>",
    '<Choices name="also" toName="text" choice="multiple"><Choice value="loud"/>'
    '<Choice value="long"/></Choices><Rating name="stars" toName="text"/></View>',
)


def test_json_min_has_a_path_that_was_chosen_alone_as_a_list(tmp_path: Path) -> None:
    config = CONFIG.replace('choice="single"', 'choice="single" allowNested="true"').replace(
        '<Choice value="sports"/>', '<Choice value="games"><Choice value="sports"/></Choice>'
    )
    row = min_row("a goal", "cooking", 1) | {"topic": ["games", "sports"]}
    schema = parse_label_config(config)
    export = read_export(write(tmp_path / "x.json", [row]), schema)
    (example,) = read_examples(schema.controls[0], export.annotated)
    assert example.labels == ("games / sports",)


def test_who_annotated_in_json_min_and_chose_nothing_meant_that(tmp_path: Path) -> None:
    schema = parse_label_config(CONFIG.replace("single", "multiple"))
    rows = [
        min_row("a", None, 1),
        min_row("b", None, 2) | {"annotation_id": None, "annotator": None},
    ]
    export = read_export(write(tmp_path / "x.json", rows), schema)
    assert [x.labels for x in read_examples(schema.controls[0], export.annotated)] == [()]


def test_a_tasks_own_key_in_json_min_is_no_label_whatever_it_is_called(tmp_path: Path) -> None:
    row = min_row("a", None, 1) | {"annotation_id": None, "annotator": None, "label": "mine"}
    export = read_export(write(tmp_path / "x.json", [row]), parse_label_config(CONFIG))
    assert not export.annotated
    assert export.tasks[0].data == {"text": "a", "label": "mine"}


def test_json_min_has_all_controls_of_a_config(tmp_path: Path) -> None:
    row = min_row("a goal", "sports", 1) | {
        "also": {"choices": ["loud", "long"]}, "stars": [{"rating": 4}],
    }  # fmt: skip
    export = read_export(write(tmp_path / "x.json", [row]), parse_label_config(SEVERAL))
    found = {c.name: read_examples(c, export.annotated) for c in export.schema.controls}
    assert {name: item.labels for name, (item,) in found.items()} == {
        "topic": ("sports",), "also": ("long", "loud"), "stars": ("4",),
    }  # fmt: skip
    assert "also" not in export.tasks[0].data
